package streaming_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/streaming"
)

// TestPeekableIsAListThatIsReadFromTheFront plays with a Peekable and with a slice.
func TestPeekableIsAListThatIsReadFromTheFront(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := drawInts(t)
		source := &probe{xs: left}
		var end error
		if rapid.Bool().Draw(t, "fails") {
			source.err, end = errBoom, errBoom
		}
		p := streaming.NewPeekable(source.stream)
		assert.Zero(t, source.runs, "it starts at the first look")
		check := func(want []int, v int, ok bool, err error) {
			if len(want) == 0 {
				assert.False(t, ok)
				assert.Equal(t, end, err)
				return
			}
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, want[0], v)
		}
		t.Repeat(map[string]func(*rapid.T){
			"peek": func(*rapid.T) {
				v, ok, err := p.Peek()
				check(left, v, ok, err)
			},
			"next": func(*rapid.T) {
				v, ok, err := p.Next()
				check(left, v, ok, err)
				left = left[min(1, len(left)):]
			},
			"next if even": func(t *rapid.T) {
				v, ok, err := p.NextIf(func(x int) bool { return x%2 == 0 })
				if len(left) > 0 && left[0]%2 != 0 {
					require.NoError(t, err)
					require.False(t, ok)
					return
				}
				check(left, v, ok, err)
				left = left[min(1, len(left)):]
			},
			"two of the rest": func(t *rapid.T) {
				got, err := streaming.Collect(streaming.Take(p.Stream(), 2))
				n := min(2, len(left))
				if n < 2 {
					require.Equal(t, end, err)
				}
				require.Equal(t, append([]int(nil), left[:n]...), got)
				left = left[n:]
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "rarely") > 0 {
					return
				}
				p.Close()
				assert.False(t, source.running, "the source has ended")
				if len(left) > 0 || source.runs == 0 {
					left = nil
				}
				_, _, end = p.Peek()
			},
		})
		p.Close()
		p.Close()
		assert.False(t, source.running, "the source has ended")
		_, ok, _ := p.Next()
		assert.False(t, ok)
	})
}
