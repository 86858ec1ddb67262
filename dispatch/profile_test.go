package dispatch_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// profile takes a profile and returns it unpacked. Names stand in it as plain text.
func (f *fixture) profile(args ...any) []byte {
	f.t.Helper()
	value, ok := f.Call("$profile", args...).Value.(string)
	require.True(f.t, ok)
	unpacked, err := gzip.NewReader(bytes.NewReader([]byte(value)))
	require.NoError(f.t, err)
	text, err := io.ReadAll(unpacked)
	require.NoError(f.t, err)
	return text
}

func TestProfilesKnowFunctionsAndTaskNames(t *testing.T) {
	f := serve(t, portworker.Limits{})
	f.waiting("wait", options("name", "nightly"))
	profile := f.profile(atom("goroutine"))
	for _, name := range []string{"function", "task", "nightly", "wait"} {
		assert.Contains(t, string(profile), name)
	}
}

func TestEveryKindOfProfileCanBeTaken(t *testing.T) {
	f := serve(t, portworker.Limits{})
	for kind, sample := range map[string]string{"heap": "inuse_space", "allocs": "alloc_space", "goroutine": "goroutine"} {
		assert.Contains(t, string(f.profile(kind)), sample, kind)
	}
	for kind, sample := range map[string]string{"cpu": "nanoseconds", "block": "delay", "mutex": "contentions"} {
		assert.Contains(t, string(f.profile(atom(kind), 1)), sample, kind)
	}
}

// A profile samples a hundred times a second, so one that takes long enough has met what
// runs all the time.
func TestCPUProfileFindsWhatRuns(t *testing.T) {
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "spin", func(ctx context.Context) (int, error) {
		n := 0
		for ctx.Err() == nil {
			n++
		}
		return n, nil
	}, portworker.OnLane(portworker.LaneCPU))
	f := &fixture{t: t, Peer: portworkertest.Start(t, w)}
	f.Start("spin", nil)
	for !bytes.Contains(f.profile("cpu", 100), []byte("spin")) {
	}
}

// The mutex profile takes its time, and tasks that begin meanwhile are seen by the other,
// which takes none.
func TestProfilesKnowTheCallersOfTasksThatBeginMeanwhile(t *testing.T) {
	pid := etf.Raw("X\x77\x03a@b\x00\x00\x00\x07\x00\x00\x00\x02\x00\x00\x00\x05")
	for name, test := range map[string]struct {
		owner any
		label string
	}{
		"a pid":      {pid, "#PID<a@b.7.2>"},
		"other term": {atom("shell"), ":shell"},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, portworker.Limits{})
			f.waiting("wait", options("owner", "early"))
			assert.NotContains(t, string(f.profile(atom("goroutine"))), "caller")
			f.Start("$profile", nil, atom("mutex"), 60_000)
			for begun := false; !begun; {
				f.waiting("wait", options("owner", test.owner))
				profile := string(f.profile(atom("goroutine")))
				begun = strings.Contains(profile, "caller") && strings.Contains(profile, test.label)
				assert.NotContains(t, profile, "early")
			}
		})
	}
}

func TestOneProfileAtATime(t *testing.T) {
	f := serve(t, portworker.Limits{})
	refs := []any{f.Start("$profile", nil, atom("cpu"), 60_000), f.Start("$profile", nil, atom("mutex"), 60_000)}
	refused := f.Next() // either may be the first to begin
	assert.Contains(t, fmt.Sprint(refused), "one at a time")
	taking := refs[0]
	if reflect.DeepEqual(refused[1], taking) {
		taking = refs[1]
	}
	f.Send(etf.Tuple{atom("cancel"), taking})
	f.fails(taking, portworker.Cancelled)
	assert.Contains(t, string(f.profile(atom("cpu"), 1)), "nanoseconds", "the cancelled one is over")
}

func TestProfileSaysWhatItExpects(t *testing.T) {
	tests := map[string]struct {
		args []any
		want string
	}{
		"nothing":          {nil, "expected a kind"},
		"unknown kind":     {[]any{atom("trace")}, "expected one of allocs, block, cpu, goroutine, heap, mutex"},
		"no kind":          {[]any{7}, "unknown kind 7"},
		"no time":          {[]any{atom("cpu")}, "expected milliseconds"},
		"too short":        {[]any{atom("cpu"), 0}, "expected 1 to 600000"},
		"too long":         {[]any{atom("cpu"), 600_001}, "expected 1 to 600000"},
		"time for nothing": {[]any{atom("heap"), 5}, "expected no milliseconds"},
		"too many":         {[]any{atom("cpu"), 5, 5}, "expected a kind"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := serve(t, portworker.Limits{})
			assert.Contains(t, f.fails(f.Start("$profile", nil, test.args...), portworker.BadArgs).Message, test.want)
		})
	}
}
