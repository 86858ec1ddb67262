package main

import (
	"context"
	"fmt"
	"iter"
	"runtime/metrics"
	"syscall"
	"time"

	"portworker/streaming"
)

// runtimeSample is how the worker was doing at one moment.
type runtimeSample struct {
	At          time.Time
	Goroutines  uint64
	HeapBytes   uint64 // of objects, live ones and those not yet swept
	MemoryBytes uint64 // all that the Go runtime has mapped and not given back
	GCCycles    uint64 // completed since the start
	CPUUserMs   int64  // of the process since the start
	CPUSystemMs int64
}

// monitor takes a sample at once and one each interval. It takes the next only when the one before
// was asked for, so a slow consumer gets fewer, never old ones in a row.
func monitor(ctx context.Context, intervalMs *int64) iter.Seq2[runtimeSample, error] {
	const usual, least, most = 1000, 10, 24 * 60 * 60 * 1000
	ms := int64(usual)
	if intervalMs != nil {
		ms = *intervalMs
	}
	if ms < least || ms > most {
		return streaming.Fail[runtimeSample](badArgs("interval", fmt.Sprintf("milliseconds from %d to %d", least, most), ms))
	}
	ticks := streaming.Interval(ctx, time.Duration(ms)*time.Millisecond)
	return streaming.TryMap(streaming.Chain(streaming.Once(time.Now()), ticks), func(time.Time) (runtimeSample, error) {
		return sampleRuntime()
	})
}

func sampleRuntime() (runtimeSample, error) {
	// None of these stops the world, which runtime.ReadMemStats would do.
	read := []metrics.Sample{
		{Name: "/sched/goroutines:goroutines"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(read)
	value := func(i int) uint64 { return read[i].Value.Uint64() }

	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return runtimeSample{}, fmt.Errorf("read processor time: %w", err)
	}
	return runtimeSample{
		At:          time.Now(),
		Goroutines:  value(0),
		HeapBytes:   value(1),
		MemoryBytes: value(2) - value(3),
		GCCycles:    value(4),
		CPUUserMs:   time.Duration(used.Utime.Nano()).Milliseconds(),
		CPUSystemMs: time.Duration(used.Stime.Nano()).Milliseconds(),
	}, nil
}
