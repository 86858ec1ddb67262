package portworker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portworker/dispatch"
	"portworker/etf"
)

// RunOptions say how [Run] runs a function. The zero value is a plain call.
type RunOptions struct {
	Timeout time.Duration // within what is left of the task's budget; 0 adds no bound
	Lane    Lane          // overrides the function's own
	Name    string        // in logs, stats and profiles
}

// Run runs another function of this worker as a child of the task that ctx belongs
// to, in that function's lane, and returns its value. The child has what is left of
// the task's budget and its metadata; it is told to stop when ctx is done, and Run
// returns when it has ended. The task's place in its own lane is free meanwhile.
//
// A failure is an [*Error]: the child's own, a panic with its stack, or why it was
// refused.
func Run[Out any](ctx context.Context, name string, args ...any) (Out, error) {
	return RunWith[Out](ctx, RunOptions{}, name, args...)
}

// RunWith is Run with options.
func RunWith[Out any](ctx context.Context, opts RunOptions, name string, args ...any) (Out, error) {
	var out Out
	t, err := taskOf(ctx, "Run")
	if err != nil {
		return out, err
	}
	if args == nil {
		args = []any{}
	}
	list, err := etf.Append(nil, args)
	if err != nil {
		return out, fmt.Errorf("run %q: encode arguments: %w", name, err)
	}
	value, err := t.Run(ctx, dispatch.Spec{Function: name, Args: list, Timeout: opts.Timeout, Lane: string(opts.Lane), Name: opts.Name})
	if err != nil {
		return out, err
	}
	if err := etf.Decode(value, &out); err != nil {
		return out, fmt.Errorf("run %q: value: %w", name, err)
	}
	return out, nil
}

// NurseryOptions say how a nursery treats its children. The zero value cancels the
// others when one fails.
type NurseryOptions struct {
	// WaitAll lets the others go on when one fails.
	WaitAll bool
	// MaxConcurrency is how many run at once; 0 is all. Go waits when they do.
	MaxConcurrency int
}

// Nursery runs functions in goroutines that do not outlive it: Wait returns when every
// one has ended. Their context is the task's, so that deadline, metadata and progress
// are, and is cancelled with the nursery. It is errgroup, with every
// error kept and panics among them.
type Nursery struct {
	ctx     context.Context
	group   errgroup.Group
	cancel  context.CancelCauseFunc
	options NurseryOptions

	mu     sync.Mutex
	count  int
	errors []*ChildError
}

// NewNursery returns a nursery of the task that ctx belongs to.
func NewNursery(ctx context.Context, options NurseryOptions) *Nursery {
	n := &Nursery{options: options}
	n.ctx, n.cancel = context.WithCancelCause(ctx)
	if options.MaxConcurrency > 0 {
		n.group.SetLimit(options.MaxConcurrency)
	}
	return n
}

// Go starts fn in a goroutine, waiting first while as many run as may. A panic of
// fn is its error.
func (n *Nursery) Go(fn func(context.Context) error) {
	n.mu.Lock()
	index := n.count
	n.count++
	n.mu.Unlock()
	n.group.Go(func() error {
		if err := protect(n.ctx, fn); err != nil {
			n.failed(&ChildError{Index: index, Err: err})
		}
		return nil
	})
}

// protect makes an error of a panic.
func protect(ctx context.Context, fn func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Reason: Panic, Message: fmt.Sprint(p), Stack: string(debug.Stack())}
		}
	}()
	return fn(ctx)
}

func (n *Nursery) failed(e *ChildError) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.errors = append(n.errors, e)
	if !n.options.WaitAll {
		n.cancel(e)
	}
}

// Wait returns when every function has returned: nil, or a [*NurseryError] with all
// that failed, in the order in which they did. Nothing is started after it.
func (n *Nursery) Wait() error {
	_ = n.group.Wait()
	n.cancel(nil)
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.errors) == 0 {
		return nil
	}
	return &NurseryError{Errors: n.errors}
}

// ChildError is the failure of one function of a nursery.
type ChildError struct {
	Index int // in the order of Go, from 0
	Err   error
}

func (e *ChildError) Error() string { return fmt.Sprintf("child %d: %v", e.Index, e.Err) }

// Unwrap returns the function's own error.
func (e *ChildError) Unwrap() error { return e.Err }

// NurseryError holds what failed in a nursery.
type NurseryError struct{ Errors []*ChildError }

func (e *NurseryError) Error() string {
	texts := make([]string, len(e.Errors))
	for i, child := range e.Errors {
		texts[i] = child.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns every child's error.
func (e *NurseryError) Unwrap() []error {
	all := make([]error, len(e.Errors))
	for i, child := range e.Errors {
		all[i] = child
	}
	return all
}

// Panics returns the children that panicked, to be told from those that failed.
func (e *NurseryError) Panics() []*ChildError {
	var panics []*ChildError
	for _, child := range e.Errors {
		if errors.Is(child, &Error{Reason: Panic}) {
			panics = append(panics, child)
		}
	}
	return panics
}
