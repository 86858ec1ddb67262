package portworker

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"portworker/dispatch"
	"portworker/etf"
)

// parameters are what a function is to be called with.
type parameters struct {
	types    []etf.Type
	required int
}

// split appends the arguments of a call to dst, whose room is the caller's, on its stack.
func (p *parameters) split(list etf.Raw, dst []etf.Raw) ([]etf.Raw, error) {
	args, err := etf.SplitList(list, dst)
	if err != nil || len(args) < p.required || len(args) > len(p.types) {
		return nil, wrongCount(len(args), p.required, p.types, err)
	}
	return args, nil
}

// register erases the types of a handler, once. A result is handed on as a
// pointer, so that an interface type that is a union stays known.
func register(w *Worker, f dispatch.Function, missing bool, opts []Option, params []reflect.Type,
	call func(context.Context, *dispatch.Task, *parameters) (any, error)) {
	f.Args = make([]etf.Type, len(params))
	for i, param := range params {
		f.Args[i] = describe(f.Name, param)
	}
	p := &parameters{types: f.Args, required: requiredArgs(params)}
	if !missing {
		f.Run = func(ctx context.Context, t *dispatch.Task) (any, error) { return call(ctx, t, p) }
	}
	for _, opt := range opts {
		opt(&f)
	}
	w.registry.Add(f)
}

func types1[A any]() []reflect.Type { return []reflect.Type{reflect.TypeFor[A]()} }

func types2[A, B any]() []reflect.Type { return append(types1[A](), reflect.TypeFor[B]()) }

func types3[A, B, C any]() []reflect.Type { return append(types2[A, B](), reflect.TypeFor[C]()) }

func args1[A any](args []etf.Raw) (a A, err error) {
	err = decode(args, 0, &a)
	return a, err
}

// ends are the argument of a function and its result, which take one allocation together.
type ends[In, Out any] struct {
	in  In
	out Out
}

func args2[A, B any](args []etf.Raw) (a A, b B, err error) {
	if a, err = args1[A](args); err == nil {
		err = decode(args, 1, &b)
	}
	return a, b, err
}

func args3[A, B, C any](args []etf.Raw) (a A, b B, c C, err error) {
	if a, b, err = args2[A, B](args); err == nil {
		err = decode(args, 2, &c)
	}
	return a, b, c, err
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
