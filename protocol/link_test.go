package protocol

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestALargeTermThatIsEncodedIsSentFromWhereItIs(t *testing.T) {
	large := term(t, bytes.Repeat([]byte("x"), linkedTerm))
	o, err := ETF.Result(term(t, 7), &large)
	require.NoError(t, err)
	assert.Same(t, &large[0], &o.body[0])

	var out bytes.Buffer
	w := NewWriter(&out)
	w.Queue(ETF.Pong(term(t, 1)))
	w.Queue(o)
	w.Queue(ETF.Pong(term(t, 2)))
	w.Flush()
	packets := packetsOf(t, out.Bytes())
	require.Len(t, packets, 3)
	want := packed(t, tuple("result", 7, etf.Tuple{etf.Atom("ok"), large}))
	assert.True(t, bytes.Equal(want, packets[1]))
	assert.Nil(t, o.body, "it is let go with the message")
}

func TestALargeTermIsLinkedOnlyIfItIsOne(t *testing.T) {
	garbage := append(term(t, bytes.Repeat([]byte("x"), linkedTerm)), 5)
	_, err := ETF.Result(term(t, 7), &garbage)
	assert.ErrorContains(t, err, "the Raw is not one term")

	large := term(t, bytes.Repeat([]byte("x"), linkedTerm))
	o, err := MessagePack.Result(ref(t, MessagePack, 7), &large)
	require.NoError(t, err)
	assert.Nil(t, o.body, "it is translated")
}

// sluggish takes so many bytes at once, and then none until it is waited for.
type sluggish struct {
	bytes.Buffer
	most int
}

func (s *sluggish) WriteParts(parts [][]byte, wait bool) (n int, err error) {
	all := bytes.Join(parts, nil)
	if !wait {
		all = all[:min(len(all), s.most)]
	}
	return s.Write(all)
}

func TestWhatAnOutputDoesNotTakeAtOnceIsLeftToAnother(t *testing.T) {
	for _, most := range []int{0, 1, 5, 20, 1000} {
		out := &sluggish{most: most}
		w := NewWriter(out)
		for i := range 3 {
			w.Queue(ETF.Pong(term(t, i)))
			w.SetCodec(MessagePack) // seals the packet
			w.SetCodec(ETF)
		}
		w.TryFlush()
		require.NoError(t, w.Wait(t.Context()))
		terms, _ := pongs(t, packetsOf(t, out.Bytes())...)
		assert.Equal(t, []any{int64(0), int64(1), int64(2)}, terms, "%d bytes at once", most)
	}
}
