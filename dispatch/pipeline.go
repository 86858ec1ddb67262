package dispatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portworker/etf"
	"portworker/protocol"
	"portworker/streaming"
)

// The builtin $pipeline runs a stream through functions of this worker, so that
// only what comes out crosses the port:
//
//	{call, Ref, '$pipeline', [Source, [Stage]], Opts}
//
// Source is {list, Terms}, {call, Name, Args} for a function whose value is a list, or
// {stream, Name, Args} for a stream. A stage is one of
//
//	{map, Name} {filter, Name} {flat_map, Name} {reject, Name}
//	{buffered, Name, N} {buffer_unordered, Name, N}
//	{take, N} {skip, N} {chunk, N} {throttle, Milliseconds}
//
// and, as the last one, {fold, Name, Initial} (Name is called with the state and the
// element), collect or count. Without such a last stage the elements are sent against
// credit; with one the result is its value. Names are of functions of one argument, each
// call of which is a child of the pipeline's task, in its own lane.
func runPipeline(ctx context.Context, t *Task) (any, error) {
	args, err := etf.SplitList(t.Args(), nil)
	if err != nil || len(args) != 2 {
		return nil, badPipeline("expected a source and a list of stages")
	}
	t.park()
	defer t.unpark()
	source, err := t.pipelineSource(args[0])
	if err != nil {
		return nil, err
	}
	stages, err := etf.SplitList(args[1], nil)
	if err != nil {
		return nil, badPipeline("stages: expected a list, got %v", args[1])
	}
	for i, stage := range stages {
		if i == len(stages)-1 {
			if value, ended, err := t.lastStage(source, stage); ended {
				return value, err
			}
		}
		if source, err = t.pipelineStage(source, stage); err != nil {
			return nil, fmt.Errorf("stage %d: %w", i, err)
		}
	}
	return nil, streaming.TryForEach(source(ctx), func(element etf.Raw) error { return t.out.Send(ctx, element) })
}

// elements is a stream of terms that can be run in a context of its own.
type elements = streaming.Source[etf.Raw]

func badPipeline(format string, args ...any) error {
	return &protocol.Error{Reason: protocol.BadArgs, Message: "$pipeline: " + fmt.Sprintf(format, args...)}
}

// tagged reads a tuple, or a list, that begins with a word.
func tagged(term etf.Raw) (tag string, rest []etf.Raw) {
	parts, err := elementsOf(term)
	if err != nil || len(parts) == 0 {
		parts = []etf.Raw{term}
	}
	tag, _ = nameOf(parts[0])
	return tag, parts[1:]
}

// nameOf reads an atom or a binary.
func nameOf(term etf.Raw) (string, bool) {
	var v any
	if etf.Decode(term, &v) != nil {
		return "", false
	}
	return word(v)
}

// pipelineSource is where the elements come from.
func (t *Task) pipelineSource(term etf.Raw) (elements, error) {
	tag, rest := tagged(term)
	switch {
	case tag == "list" && len(rest) == 1:
		list, err := etf.SplitList(rest[0], nil)
		if err != nil {
			return nil, badPipeline("source: expected {list, Terms}, got %v", term)
		}
		return streaming.Ready(streaming.FromSlice(list)), nil
	case tag == "call" && len(rest) == 2:
		spec, err := specOf(rest)
		if err != nil {
			return nil, badPipeline("source: %v", err)
		}
		return func(ctx context.Context) streaming.Stream[etf.Raw] { return t.listOf(ctx, spec) }, nil
	case tag == "stream" && len(rest) == 2:
		spec, err := specOf(rest)
		if err != nil {
			return nil, badPipeline("source: %v", err)
		}
		return func(ctx context.Context) streaming.Stream[etf.Raw] { return t.streamOf(ctx, spec) }, nil
	}
	return nil, badPipeline("source %v: expected {list, Terms}, {call, Name, Args} or {stream, Name, Args}", term)
}

// listOf yields the elements of a function's value.
func (t *Task) listOf(ctx context.Context, spec Spec) streaming.Stream[etf.Raw] {
	return func(yield func(etf.Raw, error) bool) {
		value, err := t.Run(ctx, spec)
		var list []etf.Raw
		if err == nil {
			if list, err = etf.SplitList(value, nil); err != nil {
				err = fmt.Errorf("%s: expected a list, got %v", spec.Function, value)
			}
		}
		if err != nil {
			yield(nil, err)
			return
		}
		for element := range streaming.FromSlice(list) {
			if !yield(element, nil) {
				return
			}
		}
	}
}

// streamOf yields what a stream sends, one element at a time. A consumer that
// stops early stops the stream, and waits for it.
func (t *Task) streamOf(ctx context.Context, spec Spec) streaming.Stream[etf.Raw] {
	return func(yield func(etf.Raw, error) bool) {
		ctx, stop := context.WithCancelCause(ctx)
		sent := make(chan etf.Raw)
		spec.Elements = func(ctx context.Context, element etf.Raw) error {
			select {
			case sent <- element:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		ended := make(chan error, 1)
		go func() {
			_, err := t.Run(ctx, spec)
			ended <- err
		}()
		for {
			select {
			case element := <-sent:
				if yield(element, nil) {
					continue
				}
				stop(errEnough)
				<-ended
				return
			case err := <-ended:
				stop(nil)
				if err != nil {
					yield(nil, err)
				}
				return
			}
		}
	}
}

var errEnough = errors.New("the consumer of the stream has had enough")

// callWith runs a function with one element, or with the state of a fold before it.
func (t *Task) callWith(ctx context.Context, name string, args ...etf.Raw) (etf.Raw, error) {
	list := etf.AppendList(nil, len(args))
	for _, arg := range args {
		list = append(list, arg...)
	}
	return t.Run(ctx, Spec{Function: name, Args: etf.AppendNil(list)})
}

// pipelineStage puts a stage behind a source.
func (t *Task) pipelineStage(source elements, term etf.Raw) (elements, error) {
	tag, rest := tagged(term)
	if len(rest) == 0 {
		return nil, unknownStage(term)
	}
	name, isName := nameOf(rest[0])
	n, isCount := countOf(rest[len(rest)-1])
	switch {
	case len(rest) == 1 && isName:
		return t.functionStage(source, tag, name, term)
	case len(rest) == 1 && isCount:
		return countStage(source, tag, n, term)
	case len(rest) == 2 && isName && isCount && n > 0 && tag == "buffered":
		return func(ctx context.Context) streaming.Stream[etf.Raw] {
			return streaming.Buffered(ctx, source, n, func(ctx context.Context, v etf.Raw) (etf.Raw, error) { return t.callWith(ctx, name, v) })
		}, nil
	case len(rest) == 2 && isName && isCount && n > 0 && tag == "buffer_unordered":
		return func(ctx context.Context) streaming.Stream[etf.Raw] {
			return streaming.BufferUnordered(ctx, source, n, func(ctx context.Context, v etf.Raw) (etf.Raw, error) { return t.callWith(ctx, name, v) })
		}, nil
	}
	return nil, unknownStage(term)
}

func unknownStage(term etf.Raw) error {
	return badPipeline("stage %v: expected {map | filter | reject | flat_map, Name}, {buffered | buffer_unordered, Name, N}, "+
		"{take | skip | chunk, N}, {throttle, Milliseconds} or, as the last one, {fold, Name, Initial}, collect or count", term)
}

// functionStage is a stage that calls a function for each element in turn.
func (t *Task) functionStage(source elements, tag, name string, term etf.Raw) (elements, error) {
	stage := func(build func(ctx context.Context, s streaming.Stream[etf.Raw]) streaming.Stream[etf.Raw]) (elements, error) {
		return func(ctx context.Context) streaming.Stream[etf.Raw] { return build(ctx, source(ctx)) }, nil
	}
	switch tag {
	case "map":
		return stage(func(ctx context.Context, s streaming.Stream[etf.Raw]) streaming.Stream[etf.Raw] {
			return streaming.TryMap(s, func(v etf.Raw) (etf.Raw, error) { return t.callWith(ctx, name, v) })
		})
	case "filter", "reject":
		return stage(func(ctx context.Context, s streaming.Stream[etf.Raw]) streaming.Stream[etf.Raw] {
			return streaming.TryFilter(s, func(v etf.Raw) (bool, error) {
				holds, err := t.holds(ctx, name, v)
				return holds == (tag == "filter"), err
			})
		})
	case "flat_map":
		return stage(func(ctx context.Context, s streaming.Stream[etf.Raw]) streaming.Stream[etf.Raw] {
			return streaming.Flatten(streaming.Map(s, func(v etf.Raw) streaming.Stream[etf.Raw] {
				return t.listOf(ctx, Spec{Function: name, Args: etf.AppendNil(append(etf.AppendList(nil, 1), v...))})
			}))
		})
	}
	return nil, unknownStage(term)
}

// holds asks a function about an element.
func (t *Task) holds(ctx context.Context, name string, v etf.Raw) (holds bool, err error) {
	value, err := t.callWith(ctx, name, v)
	if err == nil {
		if err = etf.Decode(value, &holds); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	return holds, err
}

// countStage is a stage that needs a number and no function.
func countStage(source elements, tag string, n int, term etf.Raw) (elements, error) {
	switch {
	case tag == "take":
		return func(ctx context.Context) streaming.Stream[etf.Raw] { return streaming.Take(source(ctx), n) }, nil
	case tag == "skip":
		return func(ctx context.Context) streaming.Stream[etf.Raw] { return streaming.Skip(source(ctx), n) }, nil
	case tag == "throttle":
		gap := time.Duration(n) * time.Millisecond
		return func(ctx context.Context) streaming.Stream[etf.Raw] {
			return streaming.Throttle(ctx, source(ctx), gap)
		}, nil
	case tag == "chunk" && n > 0:
		return func(ctx context.Context) streaming.Stream[etf.Raw] {
			return streaming.Map(streaming.Chunks(source(ctx), n), listTerm)
		}, nil
	}
	return nil, unknownStage(term)
}

// listTerm makes a list of terms a term.
func listTerm(terms []etf.Raw) etf.Raw {
	if len(terms) == 0 {
		return etf.AppendNil(nil)
	}
	list := etf.AppendList(nil, len(terms))
	for _, term := range terms {
		list = append(list, term...)
	}
	return etf.AppendNil(list)
}

// maxStageCount bounds the numbers in stages: elements, calls at once, milliseconds.
const maxStageCount = 1_000_000_000

func countOf(term etf.Raw) (int, bool) {
	n, _, ok := etf.ReadInt(term)
	return int(n), ok && n >= 0 && n <= maxStageCount
}

// lastStage runs the pipeline into one value, if the stage is of that kind.
func (t *Task) lastStage(source elements, term etf.Raw) (value any, ended bool, err error) {
	tag, rest := tagged(term)
	switch {
	case tag == "collect" && len(rest) == 0:
		list, err := streaming.Collect(source(&t.ctx))
		return listTerm(list), true, err
	case tag == "count" && len(rest) == 0:
		n, err := streaming.Count(source(&t.ctx))
		return n, true, err
	case tag == "fold" && len(rest) == 2:
		name, ok := nameOf(rest[0])
		if !ok {
			return nil, true, unknownStage(term)
		}
		value, err := streaming.TryFold(source(&t.ctx), rest[1], func(state, v etf.Raw) (etf.Raw, error) {
			return t.callWith(&t.ctx, name, state, v)
		})
		return value, true, err
	}
	return nil, false, nil
}
