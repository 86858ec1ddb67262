package streaming_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"portworker/streaming"
)

// A generator is a stream, adapters make others of it, and a range loop runs them.
func Example() {
	fibonacci := func(yield func(int, error) bool) {
		for a, b := 0, 1; yield(a, nil); a, b = b, a+b {
		}
	}
	even := streaming.Filter(fibonacci, func(n int) bool { return n%2 == 0 })
	for n, err := range streaming.Take(even, 5) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(n)
	}
	// Output:
	// 0
	// 2
	// 8
	// 34
	// 144
}

// The elements before an error are delivered; the error is the last.
func ExampleTryMap() {
	numbers := streaming.TryMap(streaming.FromSlice([]string{"1", "2", "three", "4"}), strconv.Atoi)
	values, err := streaming.Collect(numbers)
	fmt.Println(values)
	fmt.Println(err)
	// Output:
	// [1 2]
	// strconv.Atoi: parsing "three": invalid syntax
}

func ExampleTryUnfold() {
	pages := map[string][]string{"": {"a", "b", "2"}, "2": {"c", "d", "3"}, "3": {"e", "f", "end"}}
	fetch := func(token string) (page []string, next string, ok bool, err error) {
		page, ok = pages[token]
		if !ok {
			return nil, "", token != "end", errors.New("no page " + token)
		}
		return page[:2], page[2], true, nil
	}
	rows := streaming.Flatten(streaming.Map(streaming.TryUnfold("", fetch), streaming.FromSlice[string]))
	first, _ := streaming.Collect(streaming.Take(rows, 3))
	fmt.Println(first)
	// Output: [a b c]
}

// Downloads run four at a time, and their results come in the order of the addresses.
func ExampleBuffered() {
	download := func(ctx context.Context, address string) (int, error) { return len(address), nil }
	addresses := streaming.FromSlice([]string{"/", "/a", "/ab", "/abc", "/abcd", "/abcde"})

	sizes := streaming.Buffered(context.Background(), streaming.Ready(addresses), 4, download)
	fmt.Println(streaming.Collect(sizes))
	// Output: [1 2 3 4 5 6] <nil>
}

// The first answer ends the loop, and the loop ends the other source, which would wait for ever.
func ExampleMerge() {
	answered := make(chan string, 1)
	answered <- "here"
	silent := make(chan string)

	both := streaming.Merge(context.Background(),
		func(ctx context.Context) streaming.Stream[string] { return streaming.FromChannel(ctx, answered) },
		func(ctx context.Context) streaming.Stream[string] { return streaming.FromChannel(ctx, silent) },
	)
	for answer, err := range both {
		fmt.Println(answer, err)
		break
	}
	// Output: here <nil>
}

func ExampleTimeoutEach() {
	silent := make(chan string)
	watch := func(ctx context.Context) streaming.Stream[string] { return streaming.FromChannel(ctx, silent) }

	_, err := streaming.Collect(streaming.TimeoutEach(context.Background(), watch, 5*time.Millisecond))
	fmt.Println(err, errors.Is(err, context.DeadlineExceeded))
	// Output: no element within 5ms true
}

func ExampleRateLimit() {
	limiter := rate.NewLimiter(rate.Every(time.Millisecond), 10) // bursts of ten; may be shared by many streams
	s := streaming.RateLimit(context.Background(), streaming.FromSlice([]string{"a", "b", "c"}), limiter)
	fmt.Println(streaming.Collect(s))
	// Output: [a b c] <nil>
}

func ExampleZip() {
	names, ages := streaming.FromSlice([]string{"ann", "ben"}), streaming.FromSlice([]int{31, 42, 53})
	for p, err := range streaming.Zip(names, ages) {
		fmt.Println(p.First, p.Second, err)
	}
	// Output:
	// ann 31 <nil>
	// ben 42 <nil>
}

func ExampleWindows() {
	means := streaming.Map(streaming.Windows(streaming.FromSlice([]float64{1, 2, 6, 1}), 2),
		func(w []float64) float64 { return (w[0] + w[1]) / 2 })
	fmt.Println(streaming.Collect(means))
	// Output: [1.5 4 3.5] <nil>
}

// A line that begins with a space belongs to the one before.
func ExamplePeekable() {
	lines := streaming.NewPeekable(streaming.FromSlice([]string{"Subject: a", " b", " c", "To: d"}))
	defer lines.Close()
	indented := func(line string) bool { return strings.HasPrefix(line, " ") }
	for {
		line, ok, err := lines.Next()
		if !ok {
			fmt.Println(err)
			return
		}
		for {
			more, ok, _ := lines.NextIf(indented)
			if !ok {
				break
			}
			line += more
		}
		fmt.Println(line)
	}
	// Output:
	// Subject: a b c
	// To: d
	// <nil>
}

func ExampleOneshot() {
	answer := streaming.NewOneshot[int]()
	go func() {
		defer answer.Drop() // whatever happens, the other side does not wait for ever
		_ = answer.Send(42)
	}()
	fmt.Println(answer.Recv(context.Background()))
	// Output: 42 <nil>
}

func ExampleBroadcast() {
	prices := streaming.NewBroadcast[int](2)
	slow := prices.Subscribe()
	defer slow.Close()
	for price := range 5 {
		_, _ = prices.Send(price)
	}
	prices.Close()

	for {
		price, err := slow.Recv(context.Background())
		var lagged *streaming.LaggedError
		switch {
		case errors.As(err, &lagged):
			fmt.Println("missed", lagged.Missed)
		case err != nil:
			fmt.Println(err)
			return
		default:
			fmt.Println("price", price)
		}
	}
	// Output:
	// missed 3
	// price 3
	// price 4
	// closed
}

func ExampleQueue() {
	jobs := streaming.NewQueue[string](2)
	fmt.Println(jobs.TrySend("a"), jobs.TrySend("b"), jobs.TrySend("c"))
	jobs.Close()
	fmt.Println(jobs.TrySend("d"))
	for job, err := range jobs.Stream(context.Background()) {
		fmt.Println(job, err)
	}
	// Output:
	// <nil> <nil> full
	// closed
	// a <nil>
	// b <nil>
}
