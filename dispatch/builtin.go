package dispatch

import (
	"context"
	"fmt"
	"runtime"

	"portworker/etf"
	"portworker/protocol"
)

// builtins are the worker's own functions. They run like any other, so that a
// client sees a busy worker as it is.
var builtins map[string]*Function

func init() {
	all := map[string]*Function{
		"$functions": builtin("$functions", func(t *Task) (any, error) { return t.conn.options.Registry.describe(), nil }),
		"$stats":     builtin("$stats", func(t *Task) (any, error) { return t.conn.Stats(), nil }),
		"$history":   builtin("$history", func(t *Task) (any, error) { return t.conn.History(), nil }),
		"$stacks":    builtin("$stacks", func(t *Task) (any, error) { return t.conn.stacks(t), nil }),
		"$profile":   {Name: "$profile", Kind: KindFunction, Lane: LaneIO, Run: runProfile},
		"$group":     {Name: "$group", Kind: KindFunction, Lane: LaneIO, Run: runGroup},
		"$pipeline":  {Name: "$pipeline", Kind: KindStream, Lane: LaneIO, Run: runPipeline},
		"$sleep":     {Name: "$sleep", Kind: KindFunction, Lane: LaneIO, Run: sleepFor},
	}
	builtins = make(map[string]*Function, len(all))
	for name, f := range all {
		builtins[name] = f.labelled()
	}
}

// builtin makes a function that takes no arguments.
func builtin(name string, run func(*Task) (any, error)) *Function {
	return &Function{Name: name, Kind: KindFunction, Lane: LaneIO, Run: func(_ context.Context, t *Task) (any, error) {
		if args, err := etf.SplitList(t.Args(), nil); err != nil || len(args) > 0 {
			return nil, &protocol.Error{Reason: protocol.BadArgs, Message: name + ": expected no arguments"}
		}
		return run(t)
	}}
}

// Stats is a connection's state in numbers, as $stats answers it. Durations are in
// milliseconds, sizes in bytes.
type Stats struct {
	Running    int // tasks whose handler runs and that have not ended
	Abandoned  int // handlers that still run after their task has ended
	Accepted   int // what max_running bounds: running, waiting and abandoned
	Lanes      map[string]LaneStats
	Calls      int64                    // calls accepted since the start
	OK         int64                    // tasks that ended in a value
	Errors     map[string]int64         // tasks that ended in an error, by reason
	Functions  map[string]FunctionStats // of those that were called, by name
	Refused    int64                    // calls that were not accepted
	Faults     int64                    // faults sent
	Goroutines int
	Heap       int64 // bytes of objects on the heap
	Uptime     int64
	Messages   int64 // messages sent
	Packets    int64 // packets they were sent in
	BytesOut   int64
	Dropped    int64 // answers and log records not sent because the client did not read
}

// LaneStats is a lane's part of Stats.
type LaneStats struct {
	Running, Waiting, Size, Queue int
}

// Stats returns the connection's counters.
func (c *Conn) Stats() Stats {
	stats := Stats{Lanes: make(map[string]LaneStats), Errors: make(map[string]int64)}
	c.update(func(s *inflight) {
		waiting := 0
		for i := range s.lanes {
			l := &s.lanes[i]
			waiting += l.waiting
			stats.Lanes[string(l.name)] = LaneStats{l.running, l.waiting, l.config.Size, l.config.Queue}
		}
		stats.Accepted = s.accepted()
		stats.Running = len(s.tasks) + s.children - waiting + s.inlineCount()
		stats.Abandoned = len(s.abandoned)
		stats.Calls, stats.OK = s.counts.calls, s.counts.ok
		stats.Functions = s.functionStats(c.options.Registry.functions)
		stats.Refused, stats.Faults = s.counts.refused, s.counts.faults
		for reason, n := range s.counts.errors {
			stats.Errors[string(reason)] = n
		}
	})
	sent := c.writer.Sent()
	stats.Messages, stats.Packets, stats.BytesOut = sent.Messages, sent.Packets, sent.Bytes
	stats.Dropped = sent.Dropped + c.logs.dropped.Load()
	stats.Goroutines = runtime.NumGoroutine()
	stats.Heap = heapBytes()
	stats.Uptime = c.state.now().Milliseconds()
	return stats
}

// TaskStack is one running handler, as $stacks answers it.
type TaskStack struct {
	Function  string
	Task      string // the name the call gave it, or ""
	Running   int64  // milliseconds since it was accepted
	Abandoned bool   // its task has ended without it
	Stack     string
}

// stacks returns the stacks of all running handlers but that of the asking task.
func (c *Conn) stacks(asking *Task) []TaskStack {
	var tasks []*Task
	abandoned := make(map[*Task]bool)
	c.update(func(s *inflight) {
		for _, t := range s.tasks {
			if t.phase == running && t != asking {
				tasks = append(tasks, t)
			}
		}
		if t := s.inline; t != nil && t != asking {
			tasks = append(tasks, t)
		}
		for t := range s.abandoned {
			tasks = append(tasks, t)
			abandoned[t] = true
		}
	})
	byTask := stacks()
	list := make([]TaskStack, 0, len(tasks))
	for _, t := range tasks {
		if stack := byTask[fmt.Sprintf("%p", t)]; stack != nil {
			list = append(list, TaskStack{t.Function(), t.Name(), (c.state.now() - t.accepted).Milliseconds(), abandoned[t], string(stack)})
		}
	}
	return list
}
