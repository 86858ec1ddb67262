package dispatch_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// pipelines is a worker with functions to put into pipelines.
func pipelines(t *testing.T) *fixture {
	f := &fixture{t: t, started: make(chan any, 100), release: make(chan struct{})}
	w := portworker.New(portworker.Config{})
	portworker.Handle(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil }, portworker.OnLane(portworker.LaneCPU))
	portworker.Handle(w, "even", func(_ context.Context, n int) (bool, error) { return n%2 == 0, nil })
	portworker.Handle(w, "words", func(_ context.Context, s string) ([]string, error) { return strings.Fields(s), nil })
	portworker.Handle2(w, "add", func(_ context.Context, a, b int) (int, error) { return a + b, nil })
	portworker.Handle(w, "odd is bad", func(_ context.Context, n int) (int, error) {
		if n%2 == 1 {
			return 0, errors.New("odd")
		}
		return n, nil
	})
	portworker.Handle(w, "slowly", func(ctx context.Context, n int) (int, error) {
		select {
		case <-time.After(time.Duration(10-n) * 10 * time.Millisecond):
			return n, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	})
	portworker.HandleSeq0(w, "naturals", func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			defer func() { f.started <- context.Cause(ctx) }()
			for i := 0; yield(i, nil); i++ {
			}
		}
	})
	f.Peer = portworkertest.Start(t, w)
	return f
}

func stage(parts ...any) etf.Tuple {
	tuple := etf.Tuple{atom(parts[0].(string))}
	return append(tuple, parts[1:]...)
}

var naturals = stage("stream", "naturals", []any{})

func ints(n ...int64) []any {
	list := []any{}
	for _, v := range n {
		list = append(list, v)
	}
	return list
}

func TestPipelineCollects(t *testing.T) {
	cases := map[string]struct {
		source etf.Tuple
		stages []any
		want   any
	}{
		"nothing done":         {stage("list", ints(1, 2)), nil, ints(1, 2)},
		"map":                  {stage("list", ints(1, 2)), []any{stage("map", "double")}, ints(2, 4)},
		"filter":               {stage("list", ints(1, 2, 3, 4)), []any{stage("filter", "even")}, ints(2, 4)},
		"reject":               {stage("list", ints(1, 2, 3, 4)), []any{stage("reject", "even")}, ints(1, 3)},
		"flat_map":             {stage("list", []any{"a b", "", "c"}), []any{stage("flat_map", "words")}, []any{"a", "b", "c"}},
		"take of an endless":   {naturals, []any{stage("take", 3)}, ints(0, 1, 2)},
		"skip, take":           {naturals, []any{stage("skip", 3), stage("take", 2)}, ints(3, 4)},
		"chunk":                {naturals, []any{stage("take", 5), stage("chunk", 2)}, []any{ints(0, 1), ints(2, 3), ints(4)}},
		"a function's list":    {stage("call", "words", []any{"a b"}), nil, []any{"a", "b"}},
		"in order, many calls": {stage("list", ints(1, 5, 9)), []any{stage("buffered", "slowly", 3)}, ints(1, 5, 9)},
		"as they come":         {stage("list", ints(1, 5, 9)), []any{stage("buffer_unordered", "slowly", 3)}, ints(9, 5, 1)},
		"several":              {naturals, []any{stage("filter", "even"), stage("map", "double"), stage("take", 3)}, ints(0, 4, 8)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := pipelines(t)
				stages := append(append([]any{}, c.stages...), atom("collect"))
				result := f.Call("$pipeline", c.source, stages)
				require.Nil(t, result.Err)
				assert.Equal(t, c.want, result.Value)
				assert.Equal(t, int64(1), field(t, f.Call("$stats").Value, "accepted"), "nothing is left of it")
			})
		})
	}
}

func TestPipelineFoldsAndCounts(t *testing.T) {
	f := pipelines(t)
	assert.Equal(t, int64(10), f.Call("$pipeline", naturals, []any{stage("take", 5), stage("fold", "add", 0)}).Value)
	assert.Equal(t, int64(5), f.Call("$pipeline", naturals, []any{stage("take", 5), atom("count")}).Value)
}

func TestPipelineStreamsAgainstCredit(t *testing.T) {
	f := pipelines(t)
	ref := f.Start("$pipeline", options("credit", int64(2)), naturals, []any{stage("map", "double")})
	assert.Equal(t, ints(0, 2), f.Elements(ref, 2))
	f.Send(etf.Tuple{atom("credit"), ref, int64(1)})
	assert.Equal(t, ints(4), f.Elements(ref, 1))
	f.Send(etf.Tuple{atom("cancel"), ref})
	f.fails(ref, portworker.Cancelled)
	assert.Error(t, (<-f.started).(error), "the source was stopped")
}

func TestPipelineThrottles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := pipelines(t)
		begun := time.Now()
		f.Call("$pipeline", naturals, []any{stage("throttle", 100), stage("take", 4), atom("count")})
		assert.Equal(t, 300*time.Millisecond, time.Since(begun))
	})
}

func TestPipelineFailsWithItsFirstFailure(t *testing.T) {
	for name, s := range map[string]etf.Tuple{
		"in a map": stage("map", "odd is bad"), "at once": stage("buffered", "odd is bad", 4), "in a filter": stage("filter", "odd is bad"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := pipelines(t)
				err := f.Call("$pipeline", stage("list", ints(1)), []any{s, atom("collect")}).Err
				require.NotNil(t, err)
				assert.Contains(t, err.Message, "odd")
				synctest.Wait()
				assert.Equal(t, int64(1), field(t, f.Call("$stats").Value, "accepted"))
			})
		})
	}
}

func TestPipelineIsRefused(t *testing.T) {
	list := stage("list", []any{})
	cases := map[string]struct {
		args    []any
		reason  portworker.Reason
		message string
	}{
		"one argument":         {[]any{list}, portworker.BadArgs, "expected a source and a list of stages"},
		"no source":            {[]any{atom("x"), []any{}}, portworker.BadArgs, "source :x: expected {list, Terms}"},
		"stages no list":       {[]any{list, atom("x")}, portworker.BadArgs, "stages: expected a list"},
		"unknown stage":        {[]any{list, []any{stage("shuffle", "double")}}, portworker.BadArgs, "expected {map | filter"},
		"chunks of nothing":    {[]any{list, []any{stage("chunk", 0)}}, portworker.BadArgs, "stage {:chunk, 0}"},
		"collect in between":   {[]any{list, []any{atom("collect"), stage("take", 1)}}, portworker.BadArgs, "stage :collect"},
		"a negative number":    {[]any{list, []any{stage("take", -1)}}, portworker.BadArgs, "stage {:take, -1}"},
		"no such function":     {[]any{stage("list", ints(1)), []any{stage("map", "nope"), atom("count")}}, portworker.UnknownFunction, `no function "nope"`},
		"stream as a stage":    {[]any{stage("list", ints(1)), []any{stage("map", "naturals"), atom("count")}}, portworker.BadArgs, "naturals is a stream: expected a function"},
		"function as a source": {[]any{stage("stream", "double", ints(1)), []any{atom("count")}}, portworker.BadArgs, "double is a function: expected a stream"},
		"no list":              {[]any{stage("call", "double", ints(1)), []any{atom("count")}}, portworker.Failed, "double: expected a list, got 2"},
	}
	f := pipelines(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := f.Call("$pipeline", c.args...).Err
			require.NotNil(t, err)
			assert.Equal(t, c.reason, err.Reason, "%v", err)
			assert.Contains(t, err.Message, c.message)
		})
	}
}
