package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"os"
	"strings"

	"portworker"
	"portworker/etf"
)

// handlers are those of docs/writing-handlers.md.
func handlers(w *portworker.Worker) {
	portworker.Handle2(w, "count_words", countWords,
		portworker.Doc("Counts the words of a text, and how often each is there."))
	portworker.HandleStream(w, "lines", lines, portworker.OnLane(portworker.LaneBlocking),
		portworker.Doc("Streams the lines of a file."))
	portworker.HandleSeq(w, "primes", primes, portworker.OnLane(portworker.LaneCPU),
		portworker.Doc("Streams the primes below n."))
	portworker.HandleChannel(w, "account", account,
		portworker.Doc("An account: takes deposits and withdrawals, gives the balance after each."))
	portworker.Handle2(w, "transfer", transfer, portworker.Doc("Takes an amount from an account."))
	portworker.Handle2(w, "nth", nth, portworker.Doc("The element of a list at an index, with a mistake for its end."))
	portworker.Handle(w, "checksum", checksum, portworker.OnLane(portworker.LaneCPU),
		portworker.Doc("The CRC-32 of so many blocks."))
	portworker.Handle(w, "import", importRows, portworker.Reports[progress](),
		portworker.Doc("Stores rows, with a report after each."))
	portworker.Handle2(w, "price", price, portworker.Doc("A price in another currency."))
	portworker.Handle(w, "sizes", sizes, portworker.OnLane(portworker.LaneBlocking),
		portworker.Doc("The sizes of several files."))
	portworker.Declare[shortage](w)
}

type countOptions struct {
	MinLength int  `etf:",omitempty"`
	FoldCase  bool `etf:",omitempty"`
}

type wordCount struct {
	Total int
	Words map[string]int
}

func countWords(_ context.Context, text string, opts *countOptions) (wordCount, error) {
	if opts == nil {
		opts = &countOptions{}
	}
	if opts.FoldCase {
		text = strings.ToLower(text)
	}
	count := wordCount{Words: make(map[string]int)}
	for word := range strings.FieldsSeq(text) {
		if len(word) >= opts.MinLength {
			count.Total++
			count.Words[word]++
		}
	}
	return count, nil
}

func lines(ctx context.Context, path string, out *portworker.Sender[string]) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		if err := out.Send(ctx, scanner.Text()); err != nil {
			return err
		}
	}
	return scanner.Err()
}

func primes(_ context.Context, below int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for n := 2; n < below; n++ {
			if isPrime(n) && !yield(n, nil) {
				return // the consumer has had enough
			}
		}
	}
}

func isPrime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return true
}

type movement interface{ movement() }

type (
	deposit   struct{ Cents int }
	withdraw  struct{ Cents int }
	statement struct{}
)

func (deposit) movement()   {}
func (withdraw) movement()  {}
func (statement) movement() {}

var _ = etf.RegisterUnion[movement](deposit{}, withdraw{}, statement{})

func account(ctx context.Context, balance int, ch *portworker.Channel[movement, int]) error {
	for m, err := range ch.All(ctx) {
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case deposit:
			balance += m.Cents
		case withdraw:
			balance -= m.Cents
		}
		if err := ch.Send(ctx, balance); err != nil {
			return err
		}
	}
	return nil
}

var errNoAccount = errors.New("no such account")

type shortage struct {
	Balance int
	Missing int
}

func transfer(_ context.Context, name string, cents int) (int, error) {
	balances := map[string]int{"ann": 500}
	balance, ok := balances[name]
	if !ok {
		return 0, fmt.Errorf("account %q: %w", name, errNoAccount)
	}
	if cents < 0 {
		return 0, &portworker.Error{
			Reason:  portworker.BadArgs,
			Message: fmt.Sprintf("argument 2: expected an amount of at least 0, got %d", cents),
		}
	}
	if cents > balance {
		return 0, &portworker.Error{
			Reason:  portworker.Failed,
			Message: "the balance is too low",
			Details: shortage{Balance: balance, Missing: cents - balance},
		}
	}
	return balance - cents, nil
}

func nth(_ context.Context, list []any, index int) (any, error) {
	return list[index], nil
}

func checksum(ctx context.Context, blocks int) (uint32, error) {
	block := make([]byte, 64<<10)
	var sum uint32
	for range blocks {
		sum = crc32.Update(sum, crc32.IEEETable, block)
		if err := portworker.Yield(ctx); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

type progress struct {
	Done  int
	Total int
}

func importRows(ctx context.Context, rows []string) (int, error) {
	for i := range rows {
		// ... store rows[i] ...
		if err := portworker.Progress(ctx, progress{Done: i + 1, Total: len(rows)}); err != nil {
			return i + 1, err
		}
	}
	return len(rows), nil
}

func price(ctx context.Context, cents int, currency string) (float64, error) {
	rate, err := portworker.Call[float64](ctx, "rate", currency)
	if err != nil {
		return 0, fmt.Errorf("rate of %s: %w", currency, err)
	}
	return float64(cents) / 100 * rate, nil
}

func sizes(ctx context.Context, paths []string) ([]int64, error) {
	sizes := make([]int64, len(paths))
	n := portworker.NewNursery(ctx, portworker.NurseryOptions{MaxConcurrency: 8})
	for i, path := range paths {
		n.Go(func(context.Context) error {
			info, err := os.Stat(path)
			if err == nil {
				sizes[i] = info.Size()
			}
			return err
		})
	}
	return sizes, n.Wait()
}
