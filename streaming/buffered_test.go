package streaming_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/streaming"
)

// buffering is Buffered or BufferUnordered of integers.
type buffering func(context.Context, streaming.Source[int], int, func(context.Context, int) (int, error)) ints

var bufferings = map[string]buffering{
	"ordered":   streaming.Buffered[int, int],
	"unordered": streaming.BufferUnordered[int, int],
}

// TestBufferedRunsCallsAtOnce compares with what a schedule of n places gives: when each call of a given duration begins
// and when its result comes.
func TestBufferedRunsCallsAtOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		durations := drawDurations(rt)
		n := rapid.IntRange(1, 5).Draw(rt, "n")
		synctest.Test(t, func(t *testing.T) {
			for name, buffered := range bufferings {
				var running, most atomic.Int64
				call := func(_ context.Context, i int) (int, error) {
					now := running.Add(1)
					defer running.Add(-1)
					for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
					}
					<-time.After(durations[i])
					return i, nil
				}
				source := streaming.Ready(streaming.FromSlice(upTo(len(durations))))
				got, _, err := arrivals(buffered(t.Context(), source, n, call))
				require.NoError(t, err)
				require.Equal(t, scheduled(durations, n, name == "ordered"), got, name)
				require.Equal(t, min(n, len(durations)), int(most.Load()), "calls at once, %s", name)
			}
		})
	})
}

// drawDurations draws durations no two sums of which are the same, so that there is one schedule.
func drawDurations(t *rapid.T) []time.Duration {
	powers := make([]time.Duration, 12)
	for i := range powers {
		powers[i] = 1 << i * ms
	}
	return rapid.Permutation(powers).Draw(t, "durations")[:rapid.IntRange(0, len(powers)).Draw(t, "calls")]
}

// scheduled says when results come of calls that take a place each. A place is free when the result is taken.
func scheduled(durations []time.Duration, n int, ordered bool) (out []arrival) {
	var freed []time.Duration // when places were freed, by call for ordered and by time for unordered
	taken := time.Duration(0)
	for i, d := range durations {
		begin := time.Duration(0)
		if i >= n {
			begin = freed[i-n]
		}
		done := begin + d
		if ordered {
			taken = max(taken, done)
			freed = append(freed, taken)
		} else {
			at, _ := slices.BinarySearch(freed, done)
			freed = slices.Insert(freed, at, done)
		}
		out = append(out, arrival{i, done})
		if ordered {
			out[i].at = taken
		}
	}
	slices.SortFunc(out, func(a, b arrival) int { return int(a.at - b.at) })
	if ordered {
		slices.SortFunc(out, func(a, b arrival) int { return a.value - b.value })
	}
	return out
}

func TestBufferedHandsOverWhatIsReadyWhileTheSourceWaits(t *testing.T) {
	for name, buffered := range bufferings {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := timed([]time.Duration{10 * ms, time.Hour}, 0, nil)
				got, _, err := arrivals(buffered(t.Context(), source, 8, func(_ context.Context, x int) (int, error) {
					return x, nil
				}))
				require.NoError(t, err)
				assert.Equal(t, []arrival{{0, 10 * ms}, {1, time.Hour + 10*ms}}, got)
			})
		})
	}
}

func TestBufferedEndsWithTheFirstError(t *testing.T) {
	// The first call succeeds late, the second fails early, the third would take for ever.
	call := func(ctx context.Context, i int) (int, error) {
		switch i {
		case 0:
			<-time.After(50 * ms)
			return i, nil
		case 1:
			<-time.After(10 * ms)
			return i, errBoom
		default:
			<-ctx.Done()
			return 0, ctx.Err()
		}
	}
	for name, want := range map[string][]arrival{"ordered": {{0, 50 * ms}}, "unordered": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := streaming.Ready(streaming.FromSlice(upTo(3)))
				got, _, err := arrivals(bufferings[name](t.Context(), source, 3, call))
				require.Equal(t, errBoom, err)
				assert.Equal(t, want, got)
			})
		})
	}
}

func TestBufferedDeliversWhatCameBeforeTheSourcesError(t *testing.T) {
	for name, buffered := range bufferings {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &probe{xs: upTo(3), err: errBoom}
				got, err := streaming.Collect(buffered(t.Context(), source.source, 2, func(_ context.Context, i int) (int, error) {
					<-time.After(time.Duration(3-i) * ms)
					return i, nil
				}))
				require.Equal(t, errBoom, err)
				assert.ElementsMatch(t, upTo(3), got)
			})
		})
	}
}

func TestMergeKeepsTheOrderOfEachSource(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists := rapid.SliceOfN(rapid.IntRange(0, 20), 0, 5).Draw(t, "lengths")
		var sources []streaming.Source[int]
		for i, n := range lists {
			sources = append(sources, streaming.Ready(streaming.Map(streaming.FromSlice(upTo(n)), func(x int) int { return 100*i + x })))
		}
		got, err := streaming.Collect(streaming.Merge(context.Background(), sources...))
		require.NoError(t, err)
		next := make([]int, len(lists))
		for _, v := range got {
			require.Equal(t, next[v/100], v%100)
			next[v/100]++
		}
		require.Equal(t, append([]int{}, lists...), next, "everything came")
	})
}

func TestMergeTakesWhatComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, end, err := arrivals(streaming.Merge(t.Context(),
			timed([]time.Duration{10 * ms, 30 * ms}, 0, nil), timed([]time.Duration{20 * ms}, 5*ms, errBoom)))
		require.Equal(t, errBoom, err)
		assert.Equal(t, []arrival{{0, 10 * ms}, {0, 20 * ms}}, got)
		assert.Equal(t, 25*ms, end, "the first error ends it")
	})
}
