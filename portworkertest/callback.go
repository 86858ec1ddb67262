package portworkertest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"

	"portworker"
	"portworker/etf"
)

// callback is a function of the test's that handlers call.
type callback struct {
	name       string
	fn         reflect.Value
	hasContext bool
	hasValue   bool
	hasError   bool
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
)

// Callback lets fn answer handlers that call the client's function of that name with portworker.Call, in place of
// an earlier one. Handlers get reason unknown_function for names that were not given.
//
// fn is a function of any arguments, with a context.Context before them or not, that returns a value, an error,
// both, or nothing. Its error is an exception over there; a *portworker.CallbackError says otherwise by its Kind.
// The context is done when the task that asks has ended, and has its metadata. Each call is in a goroutine of its own, so fn must not end the
// test: assert, do not require.
func (c *Client) Callback(name string, fn any) {
	s := c.session
	s.t.Helper()
	cb := callback{name: name, fn: reflect.ValueOf(fn)}
	if problem := cb.inspect(); problem != "" {
		s.t.Fatalf("portworkertest: Callback(%q): %s", name, problem)
	}
	s.mu.Lock()
	s.callbacks[name] = cb
	s.mu.Unlock()
	s.hello(nil)
}

// inspect finds out what kind of function it is, or says what is wrong with it.
func (cb *callback) inspect() string {
	if !cb.fn.IsValid() || cb.fn.Kind() != reflect.Func || cb.fn.IsNil() || cb.fn.Type().IsVariadic() {
		return "expected a function without ..., got " + describe(cb.fn)
	}
	t := cb.fn.Type()
	cb.hasContext = t.NumIn() > 0 && t.In(0) == contextType
	cb.hasError = t.NumOut() > 0 && t.Out(t.NumOut()-1) == errorType
	switch t.NumOut() {
	case 0:
	case 1:
		cb.hasValue = !cb.hasError
	case 2:
		cb.hasValue = true
		if !cb.hasError {
			return fmt.Sprintf("expected an error as the second result, got %v", t)
		}
	default:
		return fmt.Sprintf("expected a value, an error, or both, got %v", t)
	}
	return ""
}

func describe(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	return v.Type().String()
}

// asked starts the function that a callback message names; the session's lock is held.
func (s *session) asked(m message) {
	id, _, _ := etf.ReadInt(m[1])
	ref, _, _ := etf.ReadInt(m[2])
	name, _, _ := etf.ReadBinary(m[3])
	cb, ok := s.callbacks[string(name)]
	t := s.tasks[ref]
	if !ok || t == nil {
		return // the worker asks for nothing that was not offered
	}
	s.answering[id] = cb.name
	go s.answer(id, t, cb, m[4], m[5])
}

// answer runs a callback and replies.
func (s *session) answer(id int64, t *task, cb callback, args, opts etf.Raw) {
	reply := etf.Tuple{etf.Atom("error"), raised(errors.New("the test's function ended its goroutine: expected it to return"))}
	defer func() {
		if p := recover(); p != nil {
			s.t.Errorf("portworkertest: callback %q panicked: %v\n%s", cb.name, p, debug.Stack())
			reply = etf.Tuple{etf.Atom("error"), raised(fmt.Errorf("%v", p))}
		}
		if t.ctx.Err() == nil { // else nobody waits for it, and the worker may have ended
			if err := s.send(etf.Tuple{etf.Atom("reply"), id, reply}); err != nil && t.ctx.Err() == nil {
				s.t.Errorf("portworkertest: callback %q: %v", cb.name, err)
			}
		}
		s.update(func() { delete(s.answering, id) })
	}()
	var options struct {
		Meta map[string]string `etf:"meta,omitempty"`
	}
	_ = etf.Decode(opts, &options) // metadata that is no text is not shown
	value, err := cb.call(portworker.WithMeta(t.ctx, options.Meta), args)
	if err != nil {
		reply = etf.Tuple{etf.Atom("error"), raised(err)}
		return
	}
	reply = etf.Tuple{etf.Atom("ok"), value}
}

// call converts the arguments and calls the function. The value is encoded.
func (cb *callback) call(ctx context.Context, args etf.Raw) (any, error) {
	given, err := etf.SplitList(args, nil)
	if err != nil {
		return nil, err
	}
	t := cb.fn.Type()
	in := make([]reflect.Value, 0, t.NumIn())
	if cb.hasContext {
		in = append(in, reflect.ValueOf(ctx))
	}
	if want := t.NumIn() - len(in); len(given) != want {
		return nil, fmt.Errorf("the test's function takes %d arguments, got %d: %v", want, len(given), args)
	}
	for i, arg := range given {
		v := reflect.New(t.In(len(in)))
		if err := etf.Decode(arg, v.Interface()); err != nil {
			return nil, fmt.Errorf("the test's function: argument %d: %w", i+1, err)
		}
		in = append(in, v.Elem())
	}
	out := cb.fn.Call(in)
	if cb.hasError && !out[len(out)-1].IsNil() {
		return nil, out[len(out)-1].Interface().(error)
	}
	if !cb.hasValue {
		return nil, nil
	}
	value := reflect.New(t.Out(0)) // a pointer, so that a union stays known
	value.Elem().Set(out[0])
	term, err := etf.Append(nil, value.Interface())
	if err != nil {
		return nil, fmt.Errorf("the value of the test's function: %w", err)
	}
	return etf.Raw(term), nil
}

// raised is an error as a client tells a worker of it.
func raised(err error) etf.Map {
	kind, message, stack := "error", err.Error(), ""
	if e, ok := errors.AsType[*portworker.CallbackError](err); ok {
		message, stack = e.Message, e.Stack
		if e.Kind != "" {
			kind = e.Kind
		}
	}
	fields := etf.Map{{Key: etf.Atom("kind"), Value: etf.Atom(kind)}, {Key: etf.Atom("message"), Value: message}}
	if stack != "" {
		fields = append(fields, etf.Pair{Key: etf.Atom("stack"), Value: stack})
	}
	return fields
}
