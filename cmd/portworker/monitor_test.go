package main

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
)

func TestMonitorMeasuresTheWorker(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("monitor", atoms("credit", 1))
	sample := peer.Elements(ref, 1)[0]
	assert.Equal(t, etf.Atom("Elixir.DateTime"), field(t, field(t, sample, "at"), "__struct__"))
	for _, name := range []string{"goroutines", "heap_bytes", "memory_bytes"} {
		assert.Positive(t, field(t, sample, name), name)
	}
	for _, name := range []string{"gc_cycles", "cpu_user_ms", "cpu_system_ms"} {
		assert.GreaterOrEqual(t, field(t, sample, name), int64(0), name)
	}
	requireCancelled(t, peer, ref)
}

func TestMonitorSkipsWhatASlowConsumerMisses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		minute := int64(60_000)
		next, stop := iter.Pull2(monitor(t.Context(), &minute))
		defer stop()
		began := time.Now()
		at := func() time.Duration {
			sample, err, ok := next()
			require.True(t, ok)
			require.NoError(t, err)
			return sample.At.Sub(began)
		}
		assert.Equal(t, time.Duration(0), at())
		assert.Equal(t, time.Minute, at())
		<-time.After(time.Hour + time.Second)
		assert.Equal(t, 61*time.Minute+time.Second, at()) // the one tick that waited
		assert.Equal(t, 62*time.Minute, at())
	})
}

func TestMonitorEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("changed my mind")
		ctx, cancel := context.WithCancelCause(t.Context())
		day := int64(24 * 60 * 60 * 1000)
		next, stop := iter.Pull2(monitor(ctx, &day))
		defer stop()
		next()
		time.AfterFunc(time.Second, func() { cancel(cause) })
		began := time.Now()
		_, err, _ := next()
		assert.ErrorIs(t, err, cause)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestMonitorRefuses(t *testing.T) {
	for name, ms := range map[string]int64{"a flood": 9, "more than a day": 86_400_001, "time that is over": -1} {
		t.Run(name, func(t *testing.T) {
			requireStreamFailure(t, nil, portworker.BadArgs, "interval: expected milliseconds from 10 to 86400000, got", "monitor", ms)
		})
	}
}
