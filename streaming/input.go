package streaming

import (
	"context"
	"io"
	"sync"

	"portworker/etf"
)

// InputLimit is how many inputs of a channel wait for its handler at most.
const InputLimit = 64

// Input is the receiving end of a channel: a bounded queue of terms.
type Input struct {
	task    context.Context
	granted func(n int) // told when n more inputs may come; may be nil
	idle    Idle        // may be nil

	mu     sync.Mutex
	queue  []etf.Raw
	closed bool
	taken  int           // inputs taken and not yet granted anew
	wake   chan struct{} // closed when something has come; nil when nobody waits
}

// NewInput returns an empty input for the task with that context. Granted, if
// not nil, is told of room for further inputs in batches. Idle may be nil.
func NewInput(task context.Context, granted func(n int), idle Idle) *Input {
	return &Input{task: task, granted: granted, idle: idle}
}

// Push adds an input. It returns ErrFull when the queue is full and ErrClosed after
// the end of input; the input is not taken then.
func (in *Input) Push(term etf.Raw) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return ErrClosed
	}
	if len(in.queue) >= InputLimit {
		return ErrFull
	}
	in.queue = append(in.queue, term)
	in.rouse()
	return nil
}

// Close says that no more input comes.
func (in *Input) Close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.rouse()
}

// rouse wakes those that wait; in.mu is held.
func (in *Input) rouse() {
	if in.wake != nil {
		close(in.wake)
		in.wake = nil
	}
}

// Next returns the next input. It waits until ctx or the task is done, and then
// returns the cause; io.EOF is the end of input, after the last one.
func (in *Input) Next(ctx context.Context) (etf.Raw, error) {
	for {
		if in.task.Err() != nil {
			return nil, context.Cause(in.task)
		}
		term, wake, err := in.take()
		if term != nil || err != nil {
			return term, err
		}
		if err := in.wait(ctx, wake); err != nil {
			return nil, err
		}
	}
}

// wait waits for something to have come. The task is idle meanwhile.
func (in *Input) wait(ctx context.Context, wake <-chan struct{}) error {
	if in.idle != nil {
		defer in.idle()()
	}
	select {
	case <-wake:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-in.task.Done():
		return context.Cause(in.task)
	}
}

// take returns the first input, or what to wait for.
func (in *Input) take() (etf.Raw, <-chan struct{}, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) == 0 {
		if in.closed {
			return nil, nil, io.EOF
		}
		if in.wake == nil {
			in.wake = make(chan struct{})
		}
		return nil, in.wake, nil
	}
	term := in.queue[0]
	in.queue[0] = nil
	in.queue = in.queue[1:]
	in.taken++
	if in.granted != nil && in.taken >= InputLimit/2 {
		in.granted(in.taken)
		in.taken = 0
	}
	return term, nil, nil
}
