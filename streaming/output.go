package streaming

import (
	"context"
	"fmt"
	"sync"

	"portworker/etf"
	"portworker/protocol"
)

// errEnded is what an element meets that comes after the end: the channel was
// finished, or its task is over.
var errEnded = fmt.Errorf("send after the end: %w", ErrClosed)

const (
	// shareSize is how many bytes small elements reserve at once.
	shareSize = 2 << 10
	// fullSize is the size from which a message takes no more elements.
	fullSize = 16 << 10
	// blobSize is the size from which a binary is written from where it is, which takes
	// Send until it has been written.
	blobSize = 64 << 10
	// tailSize is what finishing a message and packing it costs at most.
	tailSize = 8
)

// Output is the sending end of a task: elements go out in order, each against
// credit, and as many in a message as have come when its turn to be written is
// there. It may be used by several goroutines.
type Output struct {
	credit Credit
	writer *protocol.Writer
	ref    etf.Raw
	codec  protocol.Codec
	task   context.Context
	idle   Idle
	local  func(context.Context, any) error // takes the elements of a stream that does not leave the worker

	mu     sync.Mutex
	open   *segment // the message that takes the next element, or nil
	closed error
}

// segment is a data message that has a place in the writer's queue and grows
// until it is reached there.
type segment struct {
	output   *Output
	data     *protocol.Data
	reserved int
}

// Idle is called when a task begins to wait for its consumer, and returns what is
// to be called when it goes on: others may have its place meanwhile.
type Idle func() (resume func())

// NewOutput returns an output for the task with that ref and context, which may
// send credit elements at first. Idle may be nil.
func NewOutput(task context.Context, w *protocol.Writer, codec protocol.Codec, ref etf.Raw, credit int, idle Idle) *Output {
	return &Output{writer: w, ref: ref, codec: codec, task: task, credit: Credit{left: credit}, idle: idle}
}

// NewLocalOutput returns an output whose elements are handed to take, one by one,
// instead of the client. Take decides how long Send waits.
func NewLocalOutput(task context.Context, take func(context.Context, any) error) *Output {
	return &Output{task: task, local: take}
}

// Add allows n more elements.
func (o *Output) Add(n int) { o.credit.Add(n) }

// Send sends one element. It waits for credit, and for room where the client is
// slow to read, until ctx or the task is done, and then returns the cause. An
// element that is not sent costs no credit.
func (o *Output) Send(ctx context.Context, v any) error { return o.deliver(ctx, v, nil) }

// Finish sends a last element, after which every other fails with [ErrClosed].
func (o *Output) Finish(ctx context.Context, v any) error { return o.deliver(ctx, v, errEnded) }

// deliver sends an element against credit, and closes the output with after
// unless that is nil.
func (o *Output) deliver(ctx context.Context, v any, after error) error {
	if o.task.Err() != nil {
		return context.Cause(o.task)
	}
	if o.local != nil {
		return o.local(ctx, v)
	}
	if err := o.demand(ctx); err != nil {
		return err
	}
	var err error
	if blob, ok := v.(*[]byte); ok && len(*blob) >= blobSize {
		err = o.sendBlob(ctx, *blob, after)
	} else {
		err = o.send(ctx, v, after)
	}
	if err != nil {
		o.credit.Add(1)
	}
	return err
}

// demand uses up one element's credit. While there is none the task is idle.
func (o *Output) demand(ctx context.Context) error {
	if ok, _ := o.credit.take(); ok {
		return nil
	}
	if o.idle != nil {
		defer o.idle()()
	}
	return o.credit.Take(ctx, o.task)
}

// send puts the element into a message, once the room it needs is reserved. It
// keeps no room while it waits for more: outputs that did could wait for each other.
func (o *Output) send(ctx context.Context, v any, after error) error {
	reserved := 0
	for {
		missing, err := o.put(v, reserved, after)
		if err != nil {
			o.writer.Unreserve(reserved)
			return err
		}
		if missing == 0 {
			return nil
		}
		o.writer.Unreserve(reserved)
		if err := o.reserve(ctx, reserved+missing); err != nil {
			return err
		}
		reserved += missing
	}
}

// sendBlob sends a binary without copying it, and so returns when it has been
// written and may be changed.
func (o *Output) sendBlob(ctx context.Context, blob []byte, after error) error {
	message, written := o.codec.Blob(o.ref, blob)
	cost := message.Cost()
	if err := o.reserve(ctx, cost); err != nil {
		return err
	}
	o.mu.Lock()
	if o.closed != nil {
		defer o.mu.Unlock()
		o.writer.Unreserve(cost)
		return o.closed
	}
	o.open, o.closed = nil, after
	o.writer.QueueReserved(message, cost)
	o.mu.Unlock()
	o.writer.Flush()
	select {
	case <-written:
		return nil
	case <-o.writer.Broken():
		return protocol.ErrWriterClosed
	}
}

// put encodes v into the open message, or a new one. It returns how many bytes
// are missing where it would have to wait for room; the element is not sent then.
func (o *Output) put(v any, reserved int, after error) (missing int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed != nil {
		return 0, o.closed
	}
	s := o.open
	if s == nil {
		s = &segment{output: o, data: o.codec.NewData(o.ref)}
	}
	before := s.data.Size()
	if err := s.data.Append(v); err != nil {
		return 0, fmt.Errorf("encode element: %w", err)
	}
	missing = s.data.Size() + tailSize - s.reserved - reserved
	if missing > 0 && !o.share(s, missing) {
		s.data.Pop(before)
		return missing, nil
	}
	s.reserved += reserved
	if o.open == nil {
		o.open = s
		o.writer.QueueSource(s)
		o.writer.FlushSoon()
	}
	if s.data.Size() >= fullSize || after != nil {
		o.open = nil
	}
	o.closed = after
	return 0, nil
}

// share reserves for s what is missing and some more, if that can be had
// without waiting.
func (o *Output) share(s *segment, missing int) bool {
	more := max(missing, shareSize)
	if !o.writer.TryReserve(more) {
		if more = missing; !o.writer.TryReserve(more) {
			return false
		}
	}
	s.reserved += more
	return true
}

// reserve waits for room until ctx or the task is done.
func (o *Output) reserve(ctx context.Context, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(o.task, func() { cancel(context.Cause(o.task)) })()
	return o.writer.Reserve(ctx, n)
}

// Take ends the message, for its turn to be written has come.
func (s *segment) Take() (*protocol.Outgoing, int) {
	o := s.output
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open == s {
		o.open = nil
	}
	return s.data.Finish(), s.reserved
}

// Cut lets later elements go into a message of their own, behind what is
// queued now.
func (o *Output) Cut() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = nil
}

// Close makes every later element fail with [ErrClosed]. What was sent before
// goes out.
func (o *Output) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open, o.closed = nil, errEnded
}
