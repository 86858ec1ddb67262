package streaming_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/streaming"
)

var errBoom = errors.New("boom")

// A law says what an adapter makes of a list, with a number k to play with, in terms of plain slices.
type law struct {
	name   string
	stream func(s streaming.Stream[int], k int) streaming.Stream[any]
	want   func(xs []int, k int) []any

	// cut is what comes of xs followed by an error, and whether the error does, where that is not want and the error.
	cut func(xs []int, k int) ([]any, bool)

	elixir   bool // testdata/oracle.exs has a clause for it
	remember bool // a second run goes on, rather than begin again
}

// erase gives the adapters of all laws one type.
func erase[U any](f func(streaming.Stream[int], int) streaming.Stream[U]) func(streaming.Stream[int], int) streaming.Stream[any] {
	return func(s streaming.Stream[int], k int) streaming.Stream[any] {
		return streaming.Map(f(s, k), func(u U) any { return u })
	}
}

func TestAdaptersKeepTheirLaws(t *testing.T) {
	for _, l := range slices.Concat(laws, waitingLaws) {
		t.Run(l.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				xs, k := drawInts(t), drawK(t)
				l.holds(t, xs, k)
				l.passesTheError(t, xs, k)
				l.stopsTheSource(t, xs, k, rapid.IntRange(0, len(xs)).Draw(t, "elements wanted"))
			})
		})
	}
}

func drawInts(t *rapid.T) []int {
	return rapid.SliceOfN(rapid.IntRange(0, 9), 0, 20).Draw(t, "xs")
}

func drawK(t *rapid.T) int { return rapid.IntRange(0, 6).Draw(t, "k") }

func (l law) holds(t require.TestingT, xs []int, k int) {
	source := &probe{xs: xs}
	s := l.stream(source.stream, k)
	assert.Zero(t, source.runs, "nothing runs before the stream does")
	for range 2 {
		got, err := streaming.Collect(s)
		require.NoError(t, err)
		require.Equal(t, orNil(l.want(xs, k)), got)
		if l.remember {
			break
		}
	}
	assert.False(t, source.running, "the source has ended")
}

func (l law) passesTheError(t require.TestingT, xs []int, k int) {
	want, ends := l.want(xs, k), true
	if l.cut != nil {
		want, ends = l.cut(xs, k)
	}
	source := &probe{xs: xs, err: errBoom}
	got, err := streaming.Collect(l.stream(source.stream, k))
	require.Equal(t, orNil(want), got)
	if ends {
		require.ErrorIs(t, err, errBoom)
	} else {
		require.NoError(t, err)
	}
	assert.False(t, source.running, "the source has ended")
}

func (l law) stopsTheSource(t require.TestingT, xs []int, k, wanted int) {
	source := &probe{xs: xs}
	var got []any
	for v, err := range l.stream(source.stream, k) {
		require.NoError(t, err)
		if len(got) == wanted {
			break
		}
		got = append(got, v)
	}
	assert.False(t, source.running, "the source has ended when the loop is left")
	all := l.want(xs, k)
	require.Equal(t, orNil(all[:min(wanted, len(all))]), got)
}

// orNil is values as Collect returns them.
func orNil(values []any) []any {
	if len(values) == 0 {
		return nil
	}
	return values
}

// probe is a source that knows whether it runs. Like a careless hand-written one, it goes on after its error.
type probe struct {
	xs      []int
	err     error
	runs    int
	running bool
}

func (p *probe) stream(yield func(int, error) bool) {
	p.runs++
	p.running = true
	defer func() { p.running = false }()
	for _, x := range p.xs {
		if !yield(x, nil) {
			return
		}
	}
	if p.err != nil {
		_ = yield(0, p.err) && yield(99, nil)
	}
}

// source is the stream for adapters that run it in a goroutine.
func (p *probe) source(context.Context) streaming.Stream[int] { return p.stream }
