package dispatch

import (
	"context"
	"fmt"
	"math"
	"time"

	"portworker/etf"
	"portworker/protocol"
)

// The builtin $group runs many calls under one scope, in one message:
//
//	{call, Ref, '$group', [[{Name, Args} | {Name, Args, Opts}], GroupOpts]}
//
// GroupOpts may hold on_error (cancel_all, wait_all, fail_fast), until (all,
// first, success), max_concurrency, max_tasks and progress. Opts of a call are timeout,
// priority, lane, name and retry. The value is a list of {ok, Term} | {error, Error} in the order of the
// calls, or {Index, Outcome} where the group ends with the first.
func runGroup(ctx context.Context, t *Task) (any, error) {
	args, err := etf.SplitList(t.Args(), nil)
	if err != nil || len(args) < 1 || len(args) > 2 {
		return nil, badGroup("expected a list of calls and a map of options")
	}
	g, err := parseGroup(args)
	if err != nil {
		return nil, err
	}
	outcomes, winner := t.RunGroup(ctx, g)
	return g.value(outcomes, winner)
}

func badGroup(format string, args ...any) error {
	return &protocol.Error{Reason: protocol.BadArgs, Message: "$group: " + fmt.Sprintf(format, args...)}
}

// groupOptions are the second argument of $group.
type groupOptions struct {
	OnError        any  `etf:"on_error,omitempty"`
	Until          any  `etf:"until,omitempty"`
	MaxConcurrency int  `etf:"max_concurrency,omitempty"`
	MaxTasks       *int `etf:"max_tasks,omitempty"`
}

func parseGroup(args []etf.Raw) (*Group, error) {
	var opts groupOptions
	if len(args) == 2 {
		if err := etf.Decode(args[1], &opts); err != nil {
			return nil, badGroup("options: %v", err)
		}
	}
	calls, err := etf.SplitList(args[0], nil)
	if err != nil {
		return nil, badGroup("calls: expected a list, got %v", args[0])
	}
	if opts.MaxTasks != nil && len(calls) > *opts.MaxTasks {
		return nil, &protocol.Error{
			Reason:  protocol.Overloaded,
			Message: fmt.Sprintf("$group: task limit exceeded: %d calls, and max_tasks is %d", len(calls), *opts.MaxTasks),
			Details: etf.Map{{Key: etf.Atom("max_tasks"), Value: *opts.MaxTasks}},
		}
	}
	if opts.MaxConcurrency < 0 {
		return nil, badGroup("max_concurrency %d: expected a positive number", opts.MaxConcurrency)
	}
	g := &Group{MaxConcurrency: opts.MaxConcurrency, Calls: make([]Spec, len(calls))}
	onError, _ := word(opts.OnError)
	until, _ := word(opts.Until)
	g.OnError, g.Until = or(OnError(onError), CancelAll), or(Until(until), UntilAll)
	if g.OnError != CancelAll && g.OnError != WaitAll && g.OnError != FailFast {
		return nil, badGroup("on_error %v: expected cancel_all, wait_all or fail_fast", opts.OnError)
	}
	if g.Until != UntilAll && g.Until != UntilFirst && g.Until != UntilFirstOK {
		return nil, badGroup("until %v: expected all, first or success", opts.Until)
	}
	for i, call := range calls {
		if g.Calls[i], err = parseSpec(call); err != nil {
			return nil, badGroup("call %d: %v", i, err)
		}
		g.Calls[i].Label = int64(i)
	}
	return g, nil
}

// parseSpec reads {Name, Args} or {Name, Args, Opts}, or the same as a list, as a
// codec without tuples has it.
func parseSpec(term etf.Raw) (Spec, error) {
	parts, err := elementsOf(term)
	if err != nil || len(parts) < 2 || len(parts) > 3 {
		return Spec{}, fmt.Errorf("%v: expected {Name, Args} or {Name, Args, Opts}", term)
	}
	return specOf(parts)
}

// specOf reads a name, arguments and, perhaps, options.
func specOf(parts []etf.Raw) (Spec, error) {
	spec := Spec{Args: parts[1]}
	var ok bool
	if spec.Function, ok = nameOf(parts[0]); !ok {
		return spec, fmt.Errorf("function name %v: expected an atom or a binary", parts[0])
	}
	if _, err := etf.SplitList(parts[1], nil); err != nil {
		return spec, fmt.Errorf("arguments %v: expected a list", parts[1])
	}
	if len(parts) == 3 {
		return spec, spec.parse(parts[2])
	}
	return spec, nil
}

// parse reads the options of one call, in the words of a call of its own.
func (s *Spec) parse(term etf.Raw) error {
	opts, err := protocol.ParseCallOptions(term)
	if err != nil {
		return err
	}
	s.Timeout, s.Priority, s.Lane, s.Name, s.Retry = opts.Timeout, opts.Priority, opts.Lane, opts.Name, opts.Retry
	return nil
}

// elementsOf returns the elements of a tuple or a list.
func elementsOf(term etf.Raw) ([]etf.Raw, error) {
	arity, n, ok := etf.ReadTuple(term)
	if !ok {
		return etf.SplitList(term, nil)
	}
	parts := make([]etf.Raw, arity)
	for i := range parts {
		size := etf.Size(term[n:])
		parts[i] = term[n : n+size : n+size]
		n += size
	}
	return parts, nil
}

// value is what a group's task ends with.
func (g *Group) value(outcomes []Outcome, winner *Outcome) (any, error) {
	switch {
	case g.Until == UntilFirst && winner != nil:
		return etf.Tuple{winner.Index, winner.term()}, nil
	case g.Until == UntilFirstOK && winner != nil:
		return etf.Tuple{winner.Index, winner.term()}, nil
	case g.Until == UntilFirstOK && len(outcomes) > 0:
		return nil, &protocol.Error{Reason: protocol.Failed, Message: fmt.Sprintf("none of %d calls succeeded", len(outcomes)), Details: terms(outcomes)}
	case g.Until == UntilFirst:
		return nil, badGroup("no calls: expected one at least")
	case g.OnError == FailFast && winner != nil:
		failure := *winner.Err
		failure.Message = fmt.Sprintf("call %d: %s", winner.Index, failure.Message)
		return nil, &failure
	}
	return terms(outcomes), nil
}

func terms(outcomes []Outcome) []any {
	list := make([]any, len(outcomes))
	for i := range outcomes {
		list[i] = outcomes[i].term()
	}
	return list
}

// term is the outcome as {ok, Value} or {error, Error}.
func (o *Outcome) term() etf.Tuple {
	if o.Err != nil {
		return etf.Tuple{etf.Atom("error"), o.Err}
	}
	return etf.Tuple{etf.Atom("ok"), o.Value}
}

// sleepFor is $sleep: it waits so many milliseconds, and costs nothing else.
func sleepFor(ctx context.Context, t *Task) (any, error) {
	var ms int64
	args, err := etf.SplitList(t.Args(), nil)
	if err == nil && len(args) == 1 {
		err = etf.Decode(args[0], &ms)
	}
	if err != nil || len(args) != 1 || ms < 0 || ms > math.MaxInt64/int64(time.Millisecond) {
		return nil, &protocol.Error{Reason: protocol.BadArgs, Message: "$sleep: expected a number of milliseconds"}
	}
	return nil, &Continuation{Value: etf.Atom("ok"), After: time.Duration(ms) * time.Millisecond}
}
