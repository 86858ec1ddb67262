package main

import (
	"runtime"
	"slices"
	"time"
)

// An operation is what is done to a term.
type operation string

const (
	scan   operation = "scan"
	decode operation = "decode"
	encode operation = "encode"
)

// Who does it.
const (
	etfTyped     = "etf"
	etfWorker    = "etf, as in a worker" // into a buffer that is there; bytes alias what they come from
	etfDynamic   = "etf, any"
	erlangGo     = "erlang_go"
	erlangGoRaw  = "erlang_go, its terms"
	messagePack  = "msgpack"
	standardJSON = "encoding/json"
	otp          = "OTP"
	oneCopy      = "bytes.Clone"
)

// A contest is one operation on one term by several.
type contest struct {
	op      operation
	entries []entry
}

// An entry does the operation once, and returns what came of it.
type entry struct {
	by  string
	run func() (any, error)
}

// sample is how one entry is measured: times operations, and how long they took.
type sample func(times int) (time.Duration, error)

func (e entry) sample(times int) (time.Duration, error) {
	runtime.GC() // what others left behind
	start := time.Now()
	for range times {
		if _, err := e.run(); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// A figure is what one entry was measured at, in nanoseconds per operation.
type figure struct {
	subject  int
	op       operation
	by       string
	sample   sample
	times    int
	perRound []float64
}

// calibrate finds how many operations take about the slice of time that one measurement is given.
func (f *figure) calibrate(slice time.Duration) error {
	for f.times = 1; ; f.times *= 4 {
		took, err := f.sample(f.times)
		if err != nil {
			return err
		}
		if took > slice/8 {
			f.times = max(1, int(float64(f.times)*float64(slice)/float64(took)))
			return nil
		}
	}
}

func (f *figure) round() error {
	took, err := f.sample(f.times)
	f.perRound = append(f.perRound, float64(took.Nanoseconds())/float64(f.times))
	return err
}

func (f *figure) median() float64 {
	sorted := slices.Sorted(slices.Values(f.perRound))
	return sorted[len(sorted)/2]
}

// figures lists one for every entry of every contest, and for OTP.
func figures(all []*subject, peer *otpPeer) []*figure {
	var list []*figure
	for i, s := range all {
		for _, c := range s.contests {
			for _, e := range c.entries {
				list = append(list, &figure{subject: i, op: c.op, by: e.by, sample: e.sample})
			}
			if c.op != scan {
				list = append(list, &figure{subject: i, op: c.op, by: otp, sample: func(times int) (time.Duration, error) {
					return peer.run(c.op, i, times)
				}})
			}
		}
	}
	return list
}

// measure runs everything in turn, round after round, so that what disturbs the machine disturbs all alike.
func measure(list []*figure, rounds int, slice time.Duration) error {
	for _, f := range list {
		if err := f.calibrate(slice); err != nil {
			return err
		}
	}
	for range rounds {
		for _, f := range list {
			if err := f.round(); err != nil {
				return err
			}
		}
	}
	return nil
}
