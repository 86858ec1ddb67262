package streaming_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
	"portworker/streaming"
)

// collected is all of a stream that has no error.
func collected[T any](t testing.TB, s streaming.Stream[T]) []T {
	t.Helper()
	values, err := streaming.Collect(s)
	require.NoError(t, err)
	return values
}

func TestSources(t *testing.T) {
	countdown := func() func() (int, bool) {
		n := 4
		return func() (int, bool) {
			n--
			return n, n > 0
		}
	}
	cases := map[string]struct {
		stream streaming.Stream[int]
		want   []int
	}{
		"from a slice":           {streaming.FromSlice([]int{1, 2}), []int{1, 2}},
		"from nil":               {streaming.FromSlice[int](nil), nil},
		"from a sequence":        {streaming.FromSeq(slices.Values([]int{1, 2})), []int{1, 2}},
		"from a function":        {streaming.FromFunc(countdown()), []int{3, 2, 1}},
		"empty":                  {streaming.Empty[int](), nil},
		"once":                   {streaming.Once(7), []int{7}},
		"repeat":                 {streaming.Take(streaming.Repeat(7), 3), []int{7, 7, 7}},
		"repeat n":               {streaming.RepeatN(7, 2), []int{7, 7}},
		"repeat 0":               {streaming.RepeatN(7, 0), nil},
		"repeat less than 0":     {streaming.RepeatN(7, -1), nil},
		"take less than 0":       {streaming.Take(streaming.Once(7), -1), nil},
		"skip less than 0":       {streaming.Skip(streaming.Once(7), -1), []int{7}},
		"chain of none":          {streaming.Chain[int](), nil},
		"merge of none":          {streaming.Merge[int](context.Background()), nil},
		"unfold":                 {streaming.Unfold(1, func(n int) (int, int, bool) { return n, 2 * n, n < 9 }), []int{1, 2, 4, 8}},
		"ready":                  {streaming.Ready(streaming.Once(7))(context.Background()), []int{7}},
		"an element, then close": {streaming.FromChannel(context.Background(), closedWith(7)), []int{7}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, collected(t, c.stream)) })
	}
}

func closedWith(values ...int) <-chan int {
	ch := make(chan int, len(values))
	for _, v := range values {
		ch <- v
	}
	close(ch)
	return ch
}

func TestFunctionsThatFailEndTheStream(t *testing.T) {
	one := streaming.FromSlice([]int{1, 2, 3})
	failsAt2 := func(x int) error {
		if x == 2 {
			return errBoom
		}
		return nil
	}
	n := 0
	cases := map[string]streaming.Stream[int]{
		"fail":     streaming.Chain(streaming.Once(1), streaming.Fail[int](errBoom), one),
		"try map":  streaming.TryMap(one, func(x int) (int, error) { return x, failsAt2(x) }),
		"try scan": streaming.TryScan(one, 0, func(_, x int) (int, error) { return x, failsAt2(x) }),
		"try filter": streaming.TryFilter(one, func(x int) (bool, error) {
			return true, failsAt2(x)
		}),
		"try filter map, the error before ok": streaming.TryFilterMap(one, func(x int) (int, bool, error) {
			return x, x == 1, failsAt2(x)
		}),
		"try from func, the error before ok": streaming.TryFromFunc(func() (int, bool, error) {
			n++
			return n, n == 1, failsAt2(n)
		}),
		"try unfold, the error before ok": streaming.TryUnfold(1, func(x int) (int, int, bool, error) {
			return x, x + 1, x == 1, failsAt2(x)
		}),
		"zip, the second stream": streaming.Map(
			streaming.Zip(one, streaming.Chain(streaming.Once(1), streaming.Fail[int](errBoom))),
			func(p pair) int { return p.First }),
	}
	for name, s := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := streaming.Collect(s)
			require.ErrorIs(t, err, errBoom)
			assert.Equal(t, []int{1}, got)
		})
	}
}

func TestNothingIsAskedForAheadOfTheConsumer(t *testing.T) {
	asked := 0
	counted := streaming.FromFunc(func() (int, bool) {
		asked++
		return asked, true
	})
	s := streaming.Take(streaming.Filter(streaming.Map(counted, func(x int) int { return x }), func(x int) bool { return x%2 == 0 }), 3)
	assert.Equal(t, []int{2, 4, 6}, collected(t, s))
	assert.Equal(t, 6, asked)
}

func TestErrorsComeWithTheZeroValue(t *testing.T) {
	dirty := func(yield func(int, error) bool) { yield(42, errBoom) }
	for v, err := range streaming.Filter(dirty, func(int) bool { return true }) {
		assert.Zero(t, v)
		assert.ErrorIs(t, err, errBoom)
	}
}

func TestPairsAreTuplesOnTheWire(t *testing.T) {
	for name, c := range map[string]struct{ value, want any }{
		"pair":    {streaming.Pair[int, string]{First: 1, Second: "a"}, etf.Tuple{int64(1), "a"}},
		"indexed": {streaming.Indexed[string]{Value: "a", Index: 1}, etf.Tuple{"a", int64(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := etf.Marshal(c.value)
			require.NoError(t, err)
			var got any
			require.NoError(t, etf.Unmarshal(data, &got))
			assert.Equal(t, c.want, got)
		})
	}
}

func TestFuseMakesTheEndFinal(t *testing.T) {
	values := []int{1, 2}
	source := streaming.FromFunc(func() (v int, ok bool) {
		if len(values) == 0 {
			return 0, false
		}
		v, values = values[0], values[1:]
		return v, true
	})
	s := streaming.Fuse(source)
	first, ok, err := streaming.Nth(s, 0)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, 1, first, "a consumer that stops leaves the rest")
	assert.Equal(t, []int{2}, collected(t, s))
	values = []int{3}
	assert.Empty(t, collected(t, s), "it has ended")

	failing := streaming.Fuse(streaming.Fail[int](errBoom))
	_, err = streaming.Collect(failing)
	require.ErrorIs(t, err, errBoom)
	assert.Empty(t, collected(t, failing), "its error was its end")
}

func TestSlicesAreTheConsumersToKeep(t *testing.T) {
	for name, s := range map[string]streaming.Stream[[]int]{
		"chunks":  streaming.Chunks(streaming.FromSlice(upTo(6)), 2),
		"windows": streaming.Windows(streaming.FromSlice(upTo(6)), 2),
	} {
		t.Run(name, func(t *testing.T) {
			want := collected(t, s)
			var scribbled [][]int
			for part := range s {
				scribbled = append(scribbled, slices.Clone(part))
				clear(part)
				_ = append(part, -1)
			}
			assert.Equal(t, want, scribbled)
		})
	}
}

func TestSizesThatMakeNoSensePanicWithTheName(t *testing.T) {
	ctx, s := context.Background(), streaming.Once(1)
	same := func(_ context.Context, x int) (int, error) { return x, nil }
	for name, call := range map[string]func(){
		"Chunks":          func() { streaming.Chunks(s, 0) },
		"Windows":         func() { streaming.Windows(s, -1) },
		"Buffered":        func() { streaming.Buffered(ctx, streaming.Ready(s), 0, same) },
		"BufferUnordered": func() { streaming.BufferUnordered(ctx, streaming.Ready(s), 0, same) },
		"NewQueue":        func() { streaming.NewQueue[int](0) },
		"NewBroadcast":    func() { streaming.NewBroadcast[int](0) },
		"Interval":        func() { streaming.Interval(ctx, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() { assert.Contains(t, recover(), "streaming."+name+": ") }()
			call()
		})
	}
}

func TestAContextThatHasEndedComesFirst(t *testing.T) {
	why := errors.New("no longer wanted")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	queue := streaming.NewQueue[int](1)
	require.NoError(t, queue.TrySend(7))
	for name, s := range map[string]streaming.Stream[int]{
		"channel":      streaming.FromChannel(ctx, closedWith(7)),
		"with context": streaming.WithContext(ctx, streaming.Once(7)),
		"queue":        queue.Stream(ctx),
		"merge":        streaming.Merge(ctx, streaming.Ready(streaming.Once(7))),
		"merge of one that ignores it": streaming.Merge(ctx,
			func(context.Context) ints { return streaming.Once(7) }),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := streaming.Collect(s)
			require.ErrorIs(t, err, why)
			assert.Empty(t, got)
		})
	}
}

func TestWithContextEndsAnEndlessStream(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	err := streaming.ForEach(streaming.WithContext(ctx, streaming.Repeat(1)), func(int) {
		if n++; n == 10 {
			cancel()
		}
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 10, n)
}
