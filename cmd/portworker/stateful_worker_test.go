package main

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
)

func tagged(tag string, keysAndValues ...any) etf.Tuple {
	return etf.Tuple{etf.Atom(tag), atoms(keysAndValues...)}
}

func TestStatefulWorkerAnswersInOrder(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("stateful_worker", nil, 10)
	peer.SendInput(ref,
		tagged("add", "value", 5), tagged("multiply", "value", -3), etf.Atom("get_current"), etf.Atom("shutdown"))
	result := peer.Await(ref)
	assert.Nil(t, result.Err)
	assert.Nil(t, result.Value)
	assert.Equal(t, []any{
		tagged("updated", "old_value", int64(10), "new_value", int64(15)),
		tagged("updated", "old_value", int64(15), "new_value", int64(-45)),
		tagged("current", "value", int64(-45)),
		tagged("shutting_down", "final_value", int64(-45)),
	}, result.Elements)
}

func TestStatefulWorkerCountsAsElixirDoes(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("stateful_worker", nil)
	peer.SendInput(ref, tagged("add", "value", int64(1)<<62), tagged("multiply", "value", 4), etf.Atom("shutdown"))
	answers := peer.Await(ref).Elements
	assert.Equal(t, tagged("shutting_down", "final_value", new(big.Int).Lsh(big.NewInt(1), 64)), answers[2])
}

func TestStatefulWorkerRefusesWhatItDoesNotKnowAndGoesOn(t *testing.T) {
	cases := map[string]any{
		"another tag":    tagged("subtract", "value", 1),
		"no value":       tagged("add"),
		"half a number":  tagged("add", "value", 0.5),
		"nil":            tagged("add", "value", nil),
		"a bare command": etf.Atom("add"),
	}
	for name, input := range cases {
		t.Run(name, func(t *testing.T) {
			peer := connect(t)
			ref := peer.Start("stateful_worker", nil, 1)
			peer.SendInput(ref, input)
			fault := peer.Next()
			assert.Equal(t, []any{etf.Atom("fault"), ref}, []any(fault[:2]))
			assert.Equal(t, etf.Atom("bad_args"), field(t, fault[2], "reason"))
			peer.SendInput(ref, etf.Atom("get_current"))
			assert.Equal(t, []any{tagged("current", "value", int64(1))}, peer.Elements(ref, 1))
			requireCancelled(t, peer, ref)
		})
	}
}

func TestStatefulWorkerEndsWithItsInput(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("stateful_worker", nil)
	peer.SendInput(ref, etf.Atom("get_current"))
	peer.HalfClose(ref)
	result := peer.Await(ref)
	assert.Nil(t, result.Err)
	assert.Equal(t, []any{tagged("current", "value", int64(0))}, result.Elements)
}

func TestStatefulWorkerEndsWithItsOwner(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("stateful_worker", atoms("owner", "ann"))
	peer.Send(etf.Tuple{etf.Atom("owner_down"), "ann"})
	result := peer.Await(ref)
	assert.ErrorIs(t, result.Err, &portworker.Error{Reason: portworker.Cancelled})
}
