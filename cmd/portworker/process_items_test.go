package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
)

func TestProcessItemsDigestsEach(t *testing.T) {
	result := connect(t).Call("process_items", []any{"abc", etf.Atom("abc"), ""})
	require.Nil(t, result.Err)

	assert.Equal(t, []any{
		atoms("done", int64(1), "total", int64(3), "item", "abc"),
		atoms("done", int64(2), "total", int64(3), "item", etf.Atom("abc")),
		atoms("done", int64(3), "total", int64(3), "item", ""),
	}, result.Progress)
	assert.Equal(t, atoms("items", int64(3), "bytes", int64(8), "digests", []any{
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"6c81df41746bfc83dbe872a833731a84f6d6ece28bada696ea502485e08a18da", // of the atom's five bytes on the wire
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	}), result.Value)
}

func TestProcessItemsOfNothing(t *testing.T) {
	want := atoms("items", int64(0), "bytes", int64(0), "digests", []any{})
	assert.Equal(t, want, value(t, "process_items", []any{}))
}

func TestProcessItemsNeedsAList(t *testing.T) {
	requireFailure(t, portworker.BadArgs, "expected list", "process_items", etf.Map{})
}

func TestProcessItemsEndsWhenCancelled(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("process_items", nil, make([]any, 100_000))
	awaitProgress(t, peer)
	requireCancelled(t, peer, ref)
}
