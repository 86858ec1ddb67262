package streaming_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/streaming"
)

// A verdict says what a consumer makes of a list, with a number k to play with; nil where there is nothing to return.
type verdict struct {
	name   string
	of     func(s ints, k int) (any, error)
	want   func(xs []int, k int) any
	early  func(xs []int, k int) bool // whether it ends before the list does; nil for never
	failed any                        // what it returns with an error, where that is not want
	elixir bool
}

// optional makes a nil of no value.
func optional(v int, ok bool, err error) (any, error) {
	if !ok {
		return nil, err
	}
	return v, err
}

func overK(k int) func(int) bool { return func(x int) bool { return x > k } }

func anyOverK(xs []int, k int) bool { return slices.ContainsFunc(xs, overK(k)) }

var verdicts = []verdict{
	{name: "collect", elixir: true,
		of:   func(s ints, _ int) (any, error) { return streaming.Collect(s) },
		want: func(xs []int, _ int) any { return append([]int(nil), xs...) }},
	{name: "for_each",
		of: func(s ints, _ int) (any, error) {
			var seen []int
			err := streaming.ForEach(s, func(x int) { seen = append(seen, x) })
			return seen, err
		},
		want: func(xs []int, _ int) any { return append([]int(nil), xs...) }},
	{name: "fold", elixir: true,
		of:   func(s ints, k int) (any, error) { return streaming.Fold(s, k, func(a, x int) int { return 3*a + x }) },
		want: func(xs []int, k int) any { return foldl(xs, k) }},
	{name: "try_fold",
		of: func(s ints, k int) (any, error) {
			return streaming.TryFold(s, k, func(a, x int) (int, error) { return 3*a + x, nil })
		},
		want: func(xs []int, k int) any { return foldl(xs, k) }},
	{name: "reduce", elixir: true,
		of: func(s ints, _ int) (any, error) {
			return optional(streaming.Reduce(s, func(a, x int) int { return 3*a + x }))
		},
		want: func(xs []int, _ int) any {
			if len(xs) == 0 {
				return nil
			}
			return foldl(xs[1:], xs[0])
		}},
	{name: "find", elixir: true, early: anyOverK,
		of:   func(s ints, k int) (any, error) { return optional(streaming.Find(s, overK(k))) },
		want: func(xs []int, k int) any { return at(xs, slices.IndexFunc(xs, overK(k))) }},
	{name: "any", elixir: true, early: anyOverK,
		of:   func(s ints, k int) (any, error) { return streaming.Any(s, overK(k)) },
		want: func(xs []int, k int) any { return anyOverK(xs, k) }},
	{name: "all", elixir: true, failed: false,
		early: func(xs []int, k int) bool { return slices.ContainsFunc(xs, func(x int) bool { return x <= k }) },
		of:    func(s ints, k int) (any, error) { return streaming.All(s, overK(k)) },
		want: func(xs []int, k int) any {
			return !slices.ContainsFunc(xs, func(x int) bool { return x <= k })
		}},
	{name: "count", elixir: true,
		of:   func(s ints, _ int) (any, error) { return streaming.Count(s) },
		want: func(xs []int, _ int) any { return len(xs) }},
	{name: "last", elixir: true,
		of:   func(s ints, _ int) (any, error) { return optional(streaming.Last(s)) },
		want: func(xs []int, _ int) any { return at(xs, len(xs)-1) }},
	{name: "nth", elixir: true,
		early: func(xs []int, k int) bool { return k < len(xs) },
		of:    func(s ints, k int) (any, error) { return optional(streaming.Nth(s, k)) },
		want:  func(xs []int, k int) any { return at(xs, k) }},
	{name: "position", elixir: true, early: anyOverK,
		of: func(s ints, k int) (any, error) {
			i, err := streaming.Position(s, overK(k))
			return optional(i, i >= 0, err)
		},
		want: func(xs []int, k int) any {
			i := slices.IndexFunc(xs, overK(k))
			v, _ := optional(i, i >= 0, nil)
			return v
		}},
}

func foldl(xs []int, state int) int {
	for _, x := range xs {
		state = 3*state + x
	}
	return state
}

func at(xs []int, i int) any {
	if i < 0 || i >= len(xs) {
		return nil
	}
	return xs[i]
}

func TestConsumersReturnWhatSlicesSay(t *testing.T) {
	for _, v := range verdicts {
		t.Run(v.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				xs, k := drawInts(t), drawK(t)
				source := &probe{xs: xs}
				got, err := v.of(source.stream, k)
				require.NoError(t, err)
				require.Equal(t, v.want(xs, k), got)
				assert.False(t, source.running)

				want := v.want(xs, k)
				source = &probe{xs: xs, err: errBoom}
				got, err = v.of(source.stream, k)
				if v.early != nil && v.early(xs, k) {
					require.NoError(t, err, "it ends before the error")
				} else {
					require.ErrorIs(t, err, errBoom)
					if v.failed != nil {
						want = v.failed
					}
				}
				require.Equal(t, want, got)
				assert.False(t, source.running)
			})
		})
	}
}

func TestTryConsumersStopAtTheirOwnError(t *testing.T) {
	source := &probe{xs: []int{1, 2, 3}}
	var seen []int
	err := streaming.TryForEach(source.stream, func(x int) error {
		seen = append(seen, x)
		if x == 2 {
			return errBoom
		}
		return nil
	})
	require.ErrorIs(t, err, errBoom)
	assert.Equal(t, []int{1, 2}, seen)
	assert.False(t, source.running)

	sum, err := streaming.TryFold(source.stream, 10, func(sum, x int) (int, error) {
		if x == 3 {
			return -1, errBoom
		}
		return sum + x, nil
	})
	require.ErrorIs(t, err, errBoom)
	assert.Equal(t, 13, sum, "the state before the call that failed")
}

func TestNthOfANegativeIndexReadsNothing(t *testing.T) {
	source := &probe{xs: []int{1}}
	_, ok, err := streaming.Nth(source.stream, -1)
	require.NoError(t, err)
	assert.False(t, ok)
	assert.Zero(t, source.runs)
}
