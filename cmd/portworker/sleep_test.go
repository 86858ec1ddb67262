package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func TestSleepTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := portworker.New(portworker.Config{})
		register(w)
		began := time.Now()
		assert.Equal(t, etf.Atom("ok"), portworkertest.Start(t, w).Call("sleep", 90_000).Value)
		assert.Equal(t, 90*time.Second, time.Since(began))
	})
}

func TestSleepIsCancelledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := portworker.New(portworker.Config{})
		register(w)
		peer := portworkertest.Start(t, w)
		began := time.Now()
		ref := peer.Start("sleep", nil, maxSleep)
		peer.Send(etf.Tuple{etf.Atom("cancel"), ref})
		assert.Equal(t, portworker.Cancelled, peer.Await(ref).Err.Reason)
		assert.Zero(t, time.Since(began))
	})
}

func TestSleepRefuses(t *testing.T) {
	for name, ms := range map[string]int64{"time that is over": -1, "more than a clock holds": maxSleep + 1} {
		t.Run(name, func(t *testing.T) {
			_, err := sleep(t.Context(), ms)
			assert.ErrorContains(t, err, "bad_args: ms: expected an integer from 0 to 9223372036854, got")
		})
	}
}
