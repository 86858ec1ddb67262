package portworker

import (
	"context"
	"reflect"

	"portworker/dispatch"
	"portworker/etf"
)

// Lane is where a function's tasks run; see the constants.
type Lane = dispatch.Lane

// LaneLimits sizes a lane, in [Limits].
type LaneLimits = dispatch.LaneConfig

// The lanes. A task waits when its lane is full, and never for another lane.
const (
	LaneIO        = dispatch.LaneIO        // the default: many tasks that mostly wait
	LaneCPU       = dispatch.LaneCPU       // as many tasks as processors
	LaneBlocking  = dispatch.LaneBlocking  // calls that hold an OS thread, up to 512
	LaneDedicated = dispatch.LaneDedicated // an OS thread of its own for each task: for handlers that lock or change theirs
)

// Option says more about a function when it is registered.
type Option func(*dispatch.Function)

// Doc gives a function its sentence in lists and generated documentation.
func Doc(text string) Option {
	return func(f *dispatch.Function) { f.Doc = text }
}

// OnLane runs a function in that lane unless a call says otherwise.
func OnLane(lane Lane) Option {
	return func(f *dispatch.Function) { f.Lane = lane }
}

// Reports says what a function reports with [Progress]. A client then knows the
// names of its fields before the first report comes.
func Reports[T any]() Option {
	return func(f *dispatch.Function) {
		t := describe(f.Name, reflect.TypeFor[T]())
		f.Progress = &t
	}
}

// NoRetain says that a function keeps nothing of its arguments, as [io.Writer] must not: once it has returned, neither it nor
// what it started looks at them, at a part of them, or at its context. The result may be a part of them. Packets of 64 KiB to 4 MiB
// are then read into memory that has been used before, which spares a large call about a tenth of its time.
//
// It matters to functions of large binaries that do little with them, in lane io: those that are quick enough for the goroutine that
// reads to run them itself. What a function copies, and every string, is its own. A function that says so and keeps a part all the same
// finds the bytes of another call in it, at some time. In programs that are built with -race they are overwritten at
// once, so that tests find it.
func NoRetain() Option {
	return func(f *dispatch.Function) { f.NoRetain = true }
}

// Declare makes the field names and tags of a type known to the client, for values
// that the types of functions do not show: the details of an [Error], or what is inside an
// any.
func Declare[T any](w *Worker) {
	w.registry.Declare(describe("", reflect.TypeFor[T]()))
}

// Handle0 registers a function without arguments. The Handle functions panic,
// with the name, when it is invalid or taken, and when a type has no form as a
// term.
func Handle0[Out any](w *Worker, name string, fn func(context.Context) (Out, error), opts ...Option) {
	register(w, function[Out](name), fn == nil, opts, nil, func(ctx context.Context, t *dispatch.Task, p *parameters) (any, error) {
		if _, err := p.split(t.Args(), nil); err != nil {
			return nil, err
		}
		out, err := fn(ctx)
		return &out, err
	})
}

// Handle registers a function of one argument. A pointer argument may be left out by
// the caller, and is nil then.
func Handle[In, Out any](w *Worker, name string, fn func(context.Context, In) (Out, error), opts ...Option) {
	register(w, function[Out](name), fn == nil, opts, types1[In](), func(ctx context.Context, t *dispatch.Task, p *parameters) (any, error) {
		var room [1]etf.Raw
		args, err := p.split(t.Args(), room[:0])
		if err != nil {
			return nil, err
		}
		var both ends[In, Out]
		if err = decode(args, 0, &both.in); err != nil {
			return nil, err
		}
		both.out, err = fn(ctx, both.in)
		return &both.out, err
	})
}

// Handle2 registers a function of two arguments. Pointer arguments at the end
// may be left out by the caller, and are nil then.
func Handle2[A, B, Out any](w *Worker, name string, fn func(context.Context, A, B) (Out, error), opts ...Option) {
	register(w, function[Out](name), fn == nil, opts, types2[A, B](), func(ctx context.Context, t *dispatch.Task, p *parameters) (any, error) {
		var room [2]etf.Raw
		args, err := p.split(t.Args(), room[:0])
		if err != nil {
			return nil, err
		}
		a, b, err := args2[A, B](args)
		if err != nil {
			return nil, err
		}
		out, err := fn(ctx, a, b)
		return &out, err
	})
}

// Handle3 registers a function of three arguments. Pointer arguments at the end
// may be left out by the caller, and are nil then.
func Handle3[A, B, C, Out any](w *Worker, name string, fn func(context.Context, A, B, C) (Out, error), opts ...Option) {
	register(w, function[Out](name), fn == nil, opts, types3[A, B, C](), func(ctx context.Context, t *dispatch.Task, p *parameters) (any, error) {
		var room [3]etf.Raw
		args, err := p.split(t.Args(), room[:0])
		if err != nil {
			return nil, err
		}
		a, b, c, err := args3[A, B, C](args)
		if err != nil {
			return nil, err
		}
		out, err := fn(ctx, a, b, c)
		return &out, err
	})
}

// function begins the description of a function whose values, elements or
// outputs are of type Out.
func function[Out any](name string) dispatch.Function {
	return dispatch.Function{Name: name, Result: describe(name, reflect.TypeFor[Out]())}
}
