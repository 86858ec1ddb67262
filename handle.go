package portworker

import (
	"context"
	"fmt"
	"reflect"
	"strings"

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
	LaneDedicated = dispatch.LaneDedicated // an OS thread of its own for each task
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
	register[Out](w, name, fn == nil, opts, nil, func(t *dispatch.Task, _ []etf.Raw) (any, error) {
		out, err := fn(t.Context())
		return &out, err
	})
}

// Handle registers a function of one argument. A pointer argument may be left out by
// the caller, and is nil then.
func Handle[In, Out any](w *Worker, name string, fn func(context.Context, In) (Out, error), opts ...Option) {
	register[Out](w, name, fn == nil, opts, types[In](), func(t *dispatch.Task, args []etf.Raw) (any, error) {
		var in In
		if err := decode(args, 0, &in); err != nil {
			return nil, err
		}
		out, err := fn(t.Context(), in)
		return &out, err
	})
}

// Handle2 registers a function of two arguments. Pointer arguments at the end
// may be left out by the caller, and are nil then.
func Handle2[A, B, Out any](w *Worker, name string, fn func(context.Context, A, B) (Out, error), opts ...Option) {
	register[Out](w, name, fn == nil, opts, append(types[A](), types[B]()...), func(t *dispatch.Task, args []etf.Raw) (any, error) {
		var a A
		var b B
		if err := decode(args, 0, &a); err != nil {
			return nil, err
		}
		if err := decode(args, 1, &b); err != nil {
			return nil, err
		}
		out, err := fn(t.Context(), a, b)
		return &out, err
	})
}

// Handle3 registers a function of three arguments. Pointer arguments at the end
// may be left out by the caller, and are nil then.
func Handle3[A, B, C, Out any](w *Worker, name string, fn func(context.Context, A, B, C) (Out, error), opts ...Option) {
	all := append(append(types[A](), types[B]()...), types[C]()...)
	register[Out](w, name, fn == nil, opts, all, func(t *dispatch.Task, args []etf.Raw) (any, error) {
		var a A
		var b B
		var c C
		if err := decode(args, 0, &a); err != nil {
			return nil, err
		}
		if err := decode(args, 1, &b); err != nil {
			return nil, err
		}
		if err := decode(args, 2, &c); err != nil {
			return nil, err
		}
		out, err := fn(t.Context(), a, b, c)
		return &out, err
	})
}

func types[T any]() []reflect.Type { return []reflect.Type{reflect.TypeFor[T]()} }

// register erases the types of a handler, once. A result is handed on as a
// pointer, so that an interface type that is a union stays known.
func register[Out any](w *Worker, name string, missing bool, opts []Option, params []reflect.Type,
	call func(*dispatch.Task, []etf.Raw) (any, error)) {
	f := dispatch.Function{Name: name, Args: make([]etf.Type, len(params)), Result: describe(name, reflect.TypeFor[Out]())}
	for i, param := range params {
		f.Args[i] = describe(name, param)
	}
	required := requiredArgs(params)
	if !missing {
		f.Run = func(t *dispatch.Task) (any, error) {
			var fixed [3]etf.Raw
			args, err := etf.SplitList(t.Args(), fixed[:0])
			if err != nil || len(args) < required || len(args) > len(params) {
				return nil, wrongCount(len(args), required, f.Args, err)
			}
			return call(t, args)
		}
	}
	for _, opt := range opts {
		opt(&f)
	}
	w.registry.Add(f)
}

// describe returns a type's form as a term, and panics when it has none.
func describe(name string, t reflect.Type) etf.Type {
	if err := etf.CheckType(t); err != nil {
		panic(fmt.Sprintf("portworker: function %q: %v", name, err))
	}
	return etf.TypeOf(t)
}

// requiredArgs counts the parameters that a call cannot leave out: all but the
// pointers at the end.
func requiredArgs(params []reflect.Type) int {
	n := len(params)
	for n > 0 && params[n-1].Kind() == reflect.Pointer {
		n--
	}
	return n
}

// decode reads argument i into v; one that was left out leaves v alone.
func decode(args []etf.Raw, i int, v any) error {
	if i >= len(args) {
		return nil
	}
	if err := etf.Decode(args[i], v); err != nil {
		return &Error{Reason: BadArgs, Message: fmt.Sprintf("argument %d: %v", i+1, err)}
	}
	return nil
}

func wrongCount(got, required int, args []etf.Type, err error) error {
	if err != nil {
		return &Error{Reason: BadArgs, Message: fmt.Sprintf("arguments: %v", err)}
	}
	names := make([]string, len(args))
	for i, arg := range args {
		names[i] = arg.String()
	}
	expected := fmt.Sprint(len(args))
	if required < len(args) {
		expected = fmt.Sprintf("%d to %d", required, len(args))
	}
	plural := "s"
	if expected == "1" {
		plural = ""
	}
	list := ""
	if len(names) > 0 {
		list = " (" + strings.Join(names, ", ") + ")"
	}
	return &Error{Reason: BadArgs, Message: fmt.Sprintf("expected %s argument%s%s, got %d", expected, plural, list, got)}
}
