package dispatch

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"portworker/etf"
	"portworker/protocol"
)

// Options say what a connection serves, and how.
type Options struct {
	Registry *Registry // required
	Name     string    // of the worker, for its hello
	Version  string    // of the worker, for its hello
	Config   Config
	// Executors, by lane, run the tasks of lanes that are not to have a goroutine for each.
	Executors map[Lane]Executor
	// OnConfig, if set, is called with the whole configuration when the connection
	// starts and whenever the client's hello has changed it.
	OnConfig func(Config)
	// OutputGone, if set, is called when the input has ended during a drain, and
	// returns a channel that is closed when nobody can read the output any longer. A
	// client that has died is then told from one that has said all it had to say.
	OutputGone func() <-chan struct{}
}

// Conn is one conversation between a client and this worker.
type Conn struct {
	options Options
	writer  *protocol.Writer
	wire    atomic.Uint32 // the codec, for everyone else
	short   atomic.Bool   // the client reads short results
	logs    logState
	memory  memoryGauge
	replace atomic.Bool              // the client has been asked for another worker
	offered atomic.Pointer[[]string] // the callbacks the client said it has, or nil

	// What belongs to the role of reading.
	role
	reader *protocol.PacketReader
	parser protocol.Parser
	ended  chan error // tells how the input ended

	mu    sync.Mutex
	state inflight

	drain     chan struct{} // closed when the client asks for it
	drainOnce sync.Once
	idle      chan struct{} // closed when state.done() becomes true
}

// NewConn returns a connection that reads packets from in and writes them to
// out, and nothing else to either.
//
// It panics when a registered function falls back to one that is not there.
func NewConn(in io.Reader, out io.Writer, options Options) *Conn {
	options.Registry.check()
	c := &Conn{
		options: options,
		reader:  protocol.NewPacketReader(in, options.Config.MaxFrame),
		writer:  protocol.NewWriter(out),
		state:   newInflight(options.Config),
		drain:   make(chan struct{}),
		idle:    make(chan struct{}),
		ended:   make(chan error, 1),
	}
	c.state.deadlines.timer = stopped(c.expireDue)
	c.state.watch.timer = stopped(c.look)
	for i := range c.state.lanes {
		c.state.lanes[i].executor = options.Executors[c.state.lanes[i].name]
	}
	c.logs.level.Set(options.Config.LogLevel)
	c.memory.limit.Store(options.Config.MemoryLimit)
	c.parser.Limits = etf.Limits{MaxDepth: c.state.config.MaxDepth, MaxInflated: c.state.config.MaxFrame}
	return c
}

// update changes what is in flight. It is the one place that holds the lock
// for a change, and the one that notices the end.
func (c *Conn) update(change func(s *inflight)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.state)
	if !c.state.idle && c.state.done() {
		c.state.idle = true
		close(c.idle)
	}
}

func (c *Conn) codec() protocol.Codec { return protocol.Codec(c.wire.Load()) }

// stopped returns a timer that will run f once it is set.
func stopped(f func()) *time.Timer {
	timer := time.AfterFunc(time.Hour, f)
	timer.Stop()
	return timer
}

// handle acts on one message, and reports whether this goroutine reads on.
func (c *Conn) handle(m protocol.Message) (reading bool) {
	if codec := c.parser.Codec(); codec != c.codec() {
		c.wire.Store(uint32(codec))
		c.writer.SetCodec(codec)
	}
	switch m := m.(type) {
	case *protocol.Call:
		return c.accept(m)
	case *protocol.Cancel:
		c.cancel(m.Ref)
	case *protocol.OwnerDown:
		c.ownerDown(m.Owner)
	case *protocol.Ping:
		c.writer.AnswerPing(c.codec().Pong(m.Term))
	case *protocol.Hello:
		c.hello(m)
	case *protocol.Drain:
		c.Drain()
	case *protocol.Invalid:
		c.invalid(m)
	case *protocol.Credit:
		c.credit(m)
	case *protocol.Send:
		c.woke = true
		c.send(m)
	case *protocol.Close:
		c.woke = true
		c.closeInput(m)
	case *protocol.Reply:
		c.woke = true
		c.reply(m)
	case *protocol.Ack:
		c.writer.Ack(m.Bytes)
	}
	return true
}

func unknownFunction(name string) string {
	const most = 100
	if len(name) > most {
		name = name[:most] + "…"
	}
	return fmt.Sprintf("no function %q: $functions lists those there are", name)
}

// accept starts a task, runs it, lets it wait, or refuses it, and reports whether this
// goroutine reads on.
func (c *Conn) accept(call *protocol.Call) (reading bool) {
	t, err := c.newTask(call, c.clock)
	var inline bool
	if err == nil {
		inline, err = c.admit(t, &c.role)
	}
	if err != nil {
		c.refuse(call.Ref, err)
		return true
	}
	if !inline {
		c.woke = true
		c.gaveAway(c.state.now())
		return true
	}
	return c.runInline(t)
}

// newTask finds what the call names.
func (c *Conn) newTask(call *protocol.Call, now time.Duration) (*Task, *protocol.Error) {
	fn := c.options.Registry.find(call.Function)
	if fn == nil {
		return nil, &protocol.Error{Reason: protocol.UnknownFunction, Message: unknownFunction(call.Function)}
	}
	name := fn.Lane
	if call.Lane != "" {
		name = Lane(call.Lane)
	}
	i, ok := laneIndex(name)
	if !ok {
		return nil, &protocol.Error{Reason: protocol.BadMessage, Message: unknownLane(call.Lane).Error()}
	}
	if limit, over := c.memory.over(); over {
		return nil, overloaded("the heap is over memory_limit (%d bytes)", limit)
	}
	if err := fn.guard.refusal(); err != nil {
		return nil, err
	}
	t := &Task{conn: c, call: *call, lane: &c.state.lanes[i], accepted: now}
	t.ctx.task = t
	if call.Retry != nil {
		var err *protocol.Error
		if t.retry, err = retryOption(fn, call.Retry); err != nil {
			return nil, err
		}
	}
	t.fn.Store(fn)
	t.equip()
	return t, nil
}

// admit starts a task, or lets it wait, or says why it is refused. One that is inline is left
// to the caller to run, which can only be the one that reads; r is nil for others.
func (c *Conn) admit(t *Task, r *role) (inline bool, err *protocol.Error) {
	var start *Task
	c.update(func(s *inflight) {
		start, err = s.admit(t, r)
		if inline = s.inline == t; inline {
			r.label(t.labels()) // while the role cannot be taken
		}
	})
	if err != nil {
		t.ctx.release()
		return false, err
	}
	if start != nil && !inline {
		c.launch(start)
	}
	return inline, nil
}

// refuse answers a call that was not accepted. A ref that is in use belongs to
// another task, whose one result is still to come: then it is a fault.
func (c *Conn) refuse(ref etf.Raw, err *protocol.Error) {
	live := false
	c.update(func(s *inflight) {
		live = s.tasks[key(ref)] != nil
		s.counts.refused++
	})
	if live {
		c.fault(ref, err)
		return
	}
	c.answer(c.codec().Failure(ref, err))
}

func (c *Conn) invalid(m *protocol.Invalid) {
	if m.Call {
		c.refuse(m.Ref, m.Err)
		return
	}
	c.fault(m.Ref, m.Err)
}

func (c *Conn) fault(ref etf.Raw, err *protocol.Error) {
	c.update(func(s *inflight) { s.counts.faults++ })
	c.answer(c.codec().Fault(ref, err))
}

// answer sends what the reading goroutine has to say, without waiting.
func (c *Conn) answer(o *protocol.Outgoing) {
	c.writer.Answer(o)
	c.writer.FlushSoon()
}
