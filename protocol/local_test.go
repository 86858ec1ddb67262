package protocol

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// localRef is a reference of a BEAM that is no node.
func localRef(words ...uint32) etf.Raw {
	ref := append([]byte{newerReference, 0, byte(len(words)), 119, byte(len(localNode))}, localNode...)
	ref = append(ref, 0, 0, 0, 0)
	for _, word := range words {
		ref = binary.BigEndian.AppendUint32(ref, word)
	}
	return ref
}

// oldAtom writes the node of a reference as BEAMs before OTP 26 do.
func oldAtom(ref etf.Raw) etf.Raw {
	return append(append(append(etf.Raw{}, ref[:3]...), atomExt, 0), ref[4:]...)
}

func TestWhatABEAMMayRefuseTravelsAlone(t *testing.T) {
	pid := etf.Raw("\x58\x77\x0dnonode@nohost\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00")
	cases := map[string]struct {
		ref   etf.Raw
		value any
		alone bool
	}{
		"a number":                       {term(t, 1), 1, false},
		"a reference of the BEAM's":      {localRef(1<<18-1, 2, 3), 1, false},
		"an alias":                       {localRef(1, 2, 3, 4, 5), 1, false},
		"a reference it cannot have":     {localRef(1<<18, 2, 3), 1, true},
		"a reference of too few words":   {localRef(1), 1, true},
		"such a one in an old atom":      {oldAtom(localRef(1<<18, 2, 3)), 1, true},
		"the BEAM's in an old atom":      {oldAtom(localRef(1<<18-1, 2, 3)), 1, false},
		"a reference of another node":    {etf.Raw("Z\x00\x01w\x0cnode@another\x00\x00\x00\x00\xff\xff\xff\xff"), 1, false},
		"a pid as a ref":                 {pid, 1, true},
		"a binary with the node's name":  {term(t, 1), string(pid), false},
		"a value with a pid":             {term(t, 1), []any{pid}, true},
		"a large value is alone already": {term(t, 1), bytes.Repeat(localNode, linkSize), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o, err := ETF.Result(c.ref, c.value)
			require.NoError(t, err)
			assert.Equal(t, c.alone, o.alone)
		})
	}
}

func TestMessageThatTravelsAloneSharesNoPacket(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	odd := ETF.Fault(localRef(1<<31, 2, 3), &Error{Reason: Cancelled})
	want := [][]byte{written(t, ETF, pong(t, 1), pong(t, 2)), append([]byte{etf.Version}, odd.buf[headroom:]...), written(t, ETF, pong(t, 3))}
	w.Queue(pong(t, 1))
	w.Queue(pong(t, 2))
	w.Queue(odd)
	w.Queue(pong(t, 3))
	require.NoError(t, w.Wait(t.Context()))
	assert.Equal(t, want, packetsOf(t, out.Bytes()))
}

func TestPongIsKeptWhenOtherAnswersAreNot(t *testing.T) {
	w := NewWriter(&lastWrite{})
	w.Queue(&Outgoing{buf: make([]byte, headroom+maxWaiting)})
	w.Answer(pong(t, "any answer"))
	w.AnswerPing(pong(t, "a pong"))
	assert.Equal(t, Sent{Messages: 2, Dropped: 1}, w.Sent())
}
