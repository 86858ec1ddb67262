package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestSleepTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		value, err := sleep(t.Context(), 90_000)
		require.NoError(t, err)
		assert.Equal(t, etf.Atom("ok"), value)
		assert.Equal(t, 90*time.Second, time.Since(began))
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("changed my mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })

		began := time.Now()
		_, err := sleep(ctx, maxSleep)
		assert.ErrorIs(t, err, cause)
		assert.Equal(t, time.Second, time.Since(began))
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
