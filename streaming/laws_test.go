package streaming_test

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"portworker/streaming"
)

type (
	ints  = streaming.Stream[int]
	pair  = streaming.Pair[int, int]
	index = streaming.Indexed[int]
)

// laws are of the adapters that only compute.
var laws = []law{
	{name: "map", elixir: true,
		stream: erase(func(s ints, k int) ints { return streaming.Map(s, func(x int) int { return 2*x + k }) }),
		want:   perElement(func(x, k int) []any { return []any{2*x + k} })},
	{name: "try_map",
		stream: erase(func(s ints, k int) ints {
			return streaming.TryMap(s, func(x int) (int, error) { return x + k, nil })
		}),
		want: perElement(func(x, k int) []any { return []any{x + k} })},
	{name: "filter", elixir: true,
		stream: erase(func(s ints, k int) ints { return streaming.Filter(s, func(x int) bool { return x%(k+1) == 0 }) }),
		want:   perElement(multiples)},
	{name: "try_filter",
		stream: erase(func(s ints, k int) ints {
			return streaming.TryFilter(s, func(x int) (bool, error) { return x%(k+1) == 0, nil })
		}),
		want: perElement(multiples)},
	{name: "filter_map", elixir: true,
		stream: erase(func(s ints, k int) ints {
			return streaming.FilterMap(s, func(x int) (int, bool) { return x * 10, x > k })
		}),
		want: perElement(tenfoldAbove)},
	{name: "try_filter_map",
		stream: erase(func(s ints, k int) ints {
			return streaming.TryFilterMap(s, func(x int) (int, bool, error) { return x * 10, x > k, nil })
		}),
		want: perElement(tenfoldAbove)},
	{name: "inspect", elixir: true,
		stream: erase(func(s ints, _ int) ints { return streaming.Inspect(s, func(int) {}) }), want: same},
	{name: "scan", elixir: true,
		stream: erase(func(s ints, k int) ints {
			return streaming.Scan(s, k, func(sum, x int) int { return sum + x })
		}), want: sums},
	{name: "try_scan",
		stream: erase(func(s ints, k int) ints {
			return streaming.TryScan(s, k, func(sum, x int) (int, error) { return sum + x, nil })
		}), want: sums},
	{name: "dedup", elixir: true,
		stream: erase(func(s ints, _ int) ints { return streaming.Dedup(s) }),
		want:   func(xs []int, _ int) []any { return anys(slices.Compact(slices.Clone(xs))) }},
	{name: "dedup_by", elixir: true,
		stream: erase(func(s ints, k int) ints { return streaming.DedupBy(s, func(x int) int { return x / (k + 1) }) }),
		want: func(xs []int, k int) []any {
			return anys(slices.CompactFunc(slices.Clone(xs), func(a, b int) bool { return a/(k+1) == b/(k+1) }))
		}},
	{name: "take", elixir: true,
		stream: erase(streaming.Take[int]),
		want:   func(xs []int, k int) []any { return anys(xs[:min(k, len(xs))]) },
		cut:    func(xs []int, k int) ([]any, bool) { return anys(xs[:min(k, len(xs))]), len(xs) < k }},
	{name: "skip", elixir: true,
		stream: erase(streaming.Skip[int]),
		want:   func(xs []int, k int) []any { return anys(xs[min(k, len(xs)):]) }},
	{name: "take_while", elixir: true,
		stream: erase(func(s ints, k int) ints { return streaming.TakeWhile(s, func(x int) bool { return x < k+3 }) }),
		want:   func(xs []int, k int) []any { return anys(xs[:firstFrom(xs, k+3)]) },
		cut: func(xs []int, k int) ([]any, bool) {
			n := firstFrom(xs, k+3)
			return anys(xs[:n]), n == len(xs)
		}},
	{name: "skip_while", elixir: true,
		stream: erase(func(s ints, k int) ints { return streaming.SkipWhile(s, func(x int) bool { return x < k+3 }) }),
		want:   func(xs []int, k int) []any { return anys(xs[firstFrom(xs, k+3):]) }},
	{name: "fuse", remember: true,
		stream: erase(func(s ints, _ int) ints { return streaming.Fuse(s) }), want: same},
	{name: "chain", elixir: true,
		stream: erase(func(s ints, k int) ints { return streaming.Chain(s, streaming.FromSlice(upTo(k)), s) }),
		want:   func(xs []int, k int) []any { return anys(slices.Concat(xs, upTo(k), xs)) },
		cut:    func(xs []int, _ int) ([]any, bool) { return anys(xs), true }},
	{name: "flatten", elixir: true,
		stream: erase(func(s ints, k int) ints {
			return streaming.Flatten(streaming.Map(s, func(x int) ints { return streaming.RepeatN(x, x%(k+1)) }))
		}),
		want: perElement(func(x, k int) []any { return anys(slices.Repeat([]int{x}, x%(k+1))) })},
	{name: "zip", elixir: true,
		stream: erase(func(s ints, k int) streaming.Stream[pair] { return streaming.Zip(s, streaming.FromSlice(upTo(k))) }),
		want:   func(xs []int, k int) []any { return zipped(xs, upTo(k)) },
		cut:    func(xs []int, k int) ([]any, bool) { return zipped(xs, upTo(k)), len(xs) <= k }},
	{name: "zip_after",
		stream: erase(func(s ints, k int) streaming.Stream[pair] { return streaming.Zip(streaming.FromSlice(upTo(k)), s) }),
		want:   func(xs []int, k int) []any { return zipped(upTo(k), xs) },
		cut:    func(xs []int, k int) ([]any, bool) { return zipped(upTo(k), xs), len(xs) < k }},
	{name: "enumerate", elixir: true,
		stream: erase(func(s ints, _ int) streaming.Stream[index] { return streaming.Enumerate(s) }),
		want: func(xs []int, _ int) (out []any) {
			for i, x := range xs {
				out = append(out, index{Value: x, Index: i})
			}
			return out
		}},
	{name: "chunks", elixir: true,
		stream: erase(func(s ints, k int) streaming.Stream[[]int] { return streaming.Chunks(s, k+1) }),
		want:   func(xs []int, k int) []any { return anys(slices.Collect(slices.Chunk(xs, k+1))) }},
	{name: "windows", elixir: true,
		stream: erase(func(s ints, k int) streaming.Stream[[]int] { return streaming.Windows(s, k+1) }),
		want: func(xs []int, k int) (out []any) {
			for i := 0; i+k+1 <= len(xs); i++ {
				out = append(out, xs[i:i+k+1])
			}
			return out
		}},
}

// waitingLaws are of the adapters that take a context, where nothing makes them wait.
var waitingLaws = []law{
	{name: "with_context",
		stream: erase(func(s ints, _ int) ints { return streaming.WithContext(context.Background(), s) }), want: same},
	{name: "throttle",
		stream: erase(func(s ints, _ int) ints { return streaming.Throttle(context.Background(), s, 0) }), want: same},
	{name: "rate_limit",
		stream: erase(func(s ints, _ int) ints {
			return streaming.RateLimit(context.Background(), s, rate.NewLimiter(rate.Inf, 0))
		}), want: same},
	{name: "timeout_each",
		stream: erase(func(s ints, _ int) ints {
			return streaming.TimeoutEach(context.Background(), plain(s), time.Hour)
		}), want: same},
	{name: "debounce", // all come at once: only the last is followed by none
		stream: erase(func(s ints, _ int) ints { return streaming.Debounce(context.Background(), plain(s), time.Hour) }),
		want:   func(xs []int, _ int) []any { return anys(xs[max(0, len(xs)-1):]) }},
	{name: "merge_of_one",
		stream: erase(func(s ints, _ int) ints { return streaming.Merge(context.Background(), plain(s)) }), want: same},
	{name: "buffered",
		stream: erase(func(s ints, k int) ints {
			return streaming.Buffered(context.Background(), plain(s), k+1, func(_ context.Context, x int) (int, error) {
				return 2*x + k, nil
			})
		}), want: perElement(func(x, k int) []any { return []any{2*x + k} })},
	{name: "buffered_by_1_unordered",
		stream: erase(func(s ints, k int) ints {
			return streaming.BufferUnordered(context.Background(), plain(s), 1, func(_ context.Context, x int) (int, error) {
				return 2*x + k, nil
			})
		}), want: perElement(func(x, k int) []any { return []any{2*x + k} })},
}

func plain(s ints) streaming.Source[int] { return func(context.Context) ints { return s } }

func same(xs []int, _ int) []any { return anys(xs) }

func multiples(x, k int) []any {
	if x%(k+1) == 0 {
		return []any{x}
	}
	return nil
}

func tenfoldAbove(x, k int) []any {
	if x > k {
		return []any{x * 10}
	}
	return nil
}

func sums(xs []int, k int) (out []any) {
	for _, x := range xs {
		k += x
		out = append(out, k)
	}
	return out
}

func zipped(as, bs []int) (out []any) {
	for i := range min(len(as), len(bs)) {
		out = append(out, pair{First: as[i], Second: bs[i]})
	}
	return out
}

// firstFrom is the index of the first element that is limit or more.
func firstFrom(xs []int, limit int) int {
	if i := slices.IndexFunc(xs, func(x int) bool { return x >= limit }); i >= 0 {
		return i
	}
	return len(xs)
}

func perElement(f func(x, k int) []any) func([]int, int) []any {
	return func(xs []int, k int) (out []any) {
		for _, x := range xs {
			out = append(out, f(x, k)...)
		}
		return out
	}
}

func upTo(k int) []int {
	out := make([]int, k)
	for i := range out {
		out[i] = i
	}
	return out
}

func anys[T any](values []T) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}
