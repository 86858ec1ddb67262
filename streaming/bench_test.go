package streaming_test

import (
	"context"
	"testing"

	"portworker/streaming"
)

const benchElements = 10_000

// BenchmarkChain compares adapters with the loop that one would write in their place: per element, the squares of the
// even numbers, without the first hundred, summed.
func BenchmarkChain(b *testing.B) {
	b.Run("loop", func(b *testing.B) {
		eachOf(b, func() (sum int) {
			skipped := 0
			for x := range benchElements {
				if x%2 != 0 {
					continue
				}
				if skipped < 100 {
					skipped++
					continue
				}
				sum += x * x
			}
			return sum
		})
	})
	b.Run("adapters", func(b *testing.B) {
		eachOf(b, func() int {
			even := streaming.Filter(numbers(benchElements), func(x int) bool { return x%2 == 0 })
			squares := streaming.Map(streaming.Skip(even, 100), func(x int) int { return x * x })
			sum, _ := streaming.Fold(squares, 0, func(sum, x int) int { return sum + x })
			return sum
		})
	})
}

// BenchmarkAdapter is the price of each kind, per element.
func BenchmarkAdapter(b *testing.B) {
	ctx := context.Background()
	source := streaming.Ready(numbers(benchElements))
	for _, c := range []struct {
		name   string
		stream streaming.Stream[int]
	}{
		{"source", numbers(benchElements)},
		{"map", streaming.Map(numbers(benchElements), double)},
		{"zip", streaming.Map(streaming.Zip(numbers(benchElements), numbers(benchElements)),
			func(p pair) int { return p.First })},
		{"peekable", func(yield func(int, error) bool) {
			p := streaming.NewPeekable(numbers(benchElements))
			defer p.Close()
			p.Stream()(yield)
		}},
		{"merge", streaming.Merge(ctx, source)},
		{"buffered 8", streaming.Buffered(ctx, source, 8, identity)},
		{"unordered 8", streaming.BufferUnordered(ctx, source, 8, identity)},
	} {
		b.Run(c.name, func(b *testing.B) {
			eachOf(b, func() int {
				n, _ := streaming.Count(c.stream)
				return n
			})
		})
	}
}

// BenchmarkQueue compares a Queue with the channel inside it.
func BenchmarkQueue(b *testing.B) {
	ctx := context.Background()
	b.Run("channel", func(b *testing.B) {
		ch := make(chan int, 64)
		b.ReportAllocs()
		for b.Loop() {
			ch <- 1
			<-ch
		}
	})
	b.Run("queue", func(b *testing.B) {
		q := streaming.NewQueue[int](64)
		b.ReportAllocs()
		for b.Loop() {
			_ = q.Send(ctx, 1)
			_, _ = q.Recv(ctx)
		}
	})
	b.Run("broadcast", func(b *testing.B) {
		c := streaming.NewBroadcast[int](64)
		s := c.Subscribe()
		b.ReportAllocs()
		for b.Loop() {
			_, _ = c.Send(1)
			_, _ = s.Recv(ctx)
		}
	})
}

func numbers(n int) streaming.Stream[int] {
	return func(yield func(int, error) bool) {
		for x := range n {
			if !yield(x, nil) {
				return
			}
		}
	}
}

var sink int

// eachOf reports what run costs for each of benchElements.
func eachOf(b *testing.B, run func() int) {
	b.ReportAllocs()
	for b.Loop() {
		sink = run()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchElements, "ns/element")
}
