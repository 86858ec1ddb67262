package dispatch_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

func TestStatsCountPerFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, nil, flaky, takes(30*ms, "v"), failsWith(errFlaky), hangs)
		functions := field(t, s.Call("$stats").Value, "functions")
		assert.Empty(t, functions, "none has been called")
		assert.Equal(t, "v", s.Await(s.Start("act", retry())).Value) // 100 ms between attempts, then 30 ms
		s.fails(s.Start("act", nil), "failed")
		ref := s.Start("act", nil)
		synctest.Wait()
		assert.Equal(t, map[string]any{
			"calls": int64(3), "running": int64(1), "ok": int64(1), "errors": int64(1), "attempts": int64(3), "retries": int64(1),
			"total_duration": int64(130), "max_duration": int64(130), "breaker": nil,
		}, byName(s.stats()))
		s.Send(etf.Tuple{atom("cancel"), ref})
		s.fails(ref, portworker.Cancelled)
		assert.Equal(t, int64(0), field(t, s.stats(), "running"))
	})
}

func byName(m etf.Map) map[string]any {
	fields := make(map[string]any, len(m))
	for _, pair := range m {
		fields[string(pair.Key.(etf.Atom))] = pair.Value
	}
	return fields
}

func TestTaskThatIsHandedOnCountsForBothFunctions(t *testing.T) {
	s := script(t, nil, failsWith(portworker.Continue("instead")))
	assert.Equal(t, "instead", s.Call("act").Value)
	functions := field(t, s.Call("$stats").Value, "functions").(etf.Map)
	for _, name := range []string{"act", "instead"} {
		counts, _ := functions.Get(name)
		assert.Equal(t, int64(1), field(t, counts, "calls"), name)
		assert.Equal(t, int64(1), field(t, counts, "ok"), name)
	}
	assert.Len(t, s.Call("$history").Value, 1, "and it has ended once")
}

func TestHistoryHasTheLastTasksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := script(t, nil, flaky, takes(30*ms, "v"), hangs)
		assert.Empty(t, s.Call("$history").Value)
		s.Await(s.Start("act", append(retry(), options("name", "nightly")...)))
		running := s.Start("act", nil)
		synctest.Wait()
		s.fails(s.Start("act", options("timeout", int64(5))), portworker.Timeout)
		s.Send(etf.Tuple{atom("cancel"), running})
		s.fails(running, portworker.Cancelled)

		entry := func(task, outcome string, duration, attempts int64) map[string]any {
			return map[string]any{"function": "act", "task": task, "outcome": outcome, "duration": duration, "attempts": attempts, "lane": "cpu"}
		}
		var got []map[string]any
		for _, e := range s.Call("$history").Value.([]any) {
			got = append(got, byName(e.(etf.Map)))
		}
		assert.Equal(t, []map[string]any{
			entry("", "cancelled", 5, 1),
			entry("", "timeout", 5, 0), // it never began
			entry("nightly", "ok", 130, 2),
		}, got)
	})
}

func TestHistoryIsBounded(t *testing.T) {
	s := script(t, nil, returns("v"))
	for i := range 130 {
		s.Await(s.Start("act", options("name", fmt.Sprint(i))))
	}
	entries := s.Call("$history").Value.([]any)
	require.Len(t, entries, 100)
	assert.Equal(t, "129", field(t, entries[0], "task"))
	assert.Equal(t, "30", field(t, entries[99], "task"))
}

func TestLeakIsReportedOnceAndAsksToBeReplacedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{MaxAbandoned: 2})
		f.Send(etf.Tuple{atom("hello"), options()})
		f.Next()
		leak := func() {
			f.fails(f.waiting("stubborn", options("timeout", int64(1))), portworker.Timeout)
		}
		leak()
		leak()
		third := f.waiting("stubborn", options("timeout", int64(1)))
		messages := []etf.Tuple{f.Next(), f.Next(), f.Next()}
		const reason = "3 handlers run on after their tasks have ended: stubborn (3)"
		assert.Contains(t, messages, etf.Tuple{atom("log"), atom("error"), reason, etf.Map{{Key: "abandoned", Value: int64(3)}}})
		assert.Contains(t, messages, etf.Tuple{atom("replace"), options("reason", reason, "abandoned", int64(3))})
		assert.Contains(t, []any{messages[0][1], messages[1][1], messages[2][1]}, third)
		leak() // more of the same is not told again

		f.letGo()
		synctest.Wait()
		f.release = make(chan struct{})
		defer f.letGo()
		leak()
		leak()
		f.waiting("stubborn", options("timeout", int64(1)))
		tags := []any{f.Next()[0], f.Next()[0]}
		assert.ElementsMatch(t, []any{atom("log"), atom("result")}, tags, "the next time is a log record alone")
		f.Send(etf.Tuple{atom("ping"), "x"})
		assert.Equal(t, atom("pong"), f.Next()[0])
	})
}

func TestExecutorRunsALane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := make(chan func(), 100)
		pooled := 0
		go func() {
			for run := range work {
				pooled++
				run()
			}
		}()
		defer close(work)
		w := portworker.New(portworker.Config{Executors: map[portworker.Lane]portworker.Executor{
			portworker.LaneBlocking: func(run func()) { work <- run },
		}})
		f := &fixture{t: t, started: make(chan any, 10)}
		portworker.Handle(w, "wait", f.wait, portworker.OnLane(portworker.LaneBlocking))
		f.Peer = portworkertest.Start(t, w)

		refs := []any{f.waiting("wait", options("timeout", int64(10))), f.Start("wait", options("timeout", int64(10)), "y")}
		begun := time.Now()
		for range refs {
			assert.Equal(t, atom("result"), f.Next()[0])
		}
		assert.Equal(t, 10*ms, time.Since(begun))
		elsewhere := f.waiting("wait", options("lane", atom("io")))
		f.Send(etf.Tuple{atom("cancel"), elsewhere})
		f.fails(elsewhere, portworker.Cancelled)
		synctest.Wait()
		assert.Equal(t, 2, pooled, "the other lanes have goroutines as ever")
	})
}
