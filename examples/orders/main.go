// Command orders is a worker for an ETL pipeline: it reads orders from CSV, drops those that are
// void, and converts batches of them to euros by the rates of a service that is busy at times.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"portworker"
)

// An order is both a row and an argument: a pipeline hands on what a stage has returned.
type order struct {
	ID       int
	Country  string
	Currency string
	Cents    int
}

type converted struct {
	ID      int
	Country string
	Euros   float64
}

func main() {
	w := portworker.New(portworker.Config{Name: "orders"})
	portworker.HandleSeq(w, "orders", orders, portworker.OnLane(portworker.LaneBlocking),
		portworker.Doc("Streams the orders of a CSV file."))
	portworker.Handle(w, "valid", valid, portworker.Doc("Whether an order counts."))
	portworker.Handle(w, "to_euros", toEuros, portworker.Doc("Converts a batch of orders, with one question to the rate service."),
		portworker.Retry(portworker.RetryPolicy{MaxAttempts: 10, Backoff: 5 * time.Millisecond}))
	portworker.Main(w)
}

// orders reads a row when it is asked for the next, so a file of any size is no matter.
func orders(_ context.Context, path string) iter.Seq2[order, error] {
	return func(yield func(order, error) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(order{}, err)
			return
		}
		defer file.Close()
		rows := csv.NewReader(file)
		rows.FieldsPerRecord = 4
		rows.ReuseRecord = true
		for {
			fields, err := rows.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			var o order
			if err == nil {
				o, err = parse(fields)
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

func parse(fields []string) (order, error) {
	id, err := strconv.Atoi(fields[0])
	if err != nil {
		return order{}, fmt.Errorf("id: %w", err)
	}
	cents, err := strconv.Atoi(fields[3])
	if err != nil {
		return order{}, fmt.Errorf("order %d: cents: %w", id, err)
	}
	return order{ID: id, Country: fields[1], Currency: fields[2], Cents: cents}, nil
}

func valid(_ context.Context, o order) (bool, error) { return o.Cents > 0, nil }

func toEuros(_ context.Context, batch []order) ([]converted, error) {
	rates, err := currentRates()
	if err != nil {
		return nil, err
	}
	out := make([]converted, len(batch))
	for i, o := range batch {
		rate, ok := rates[o.Currency]
		if !ok {
			return nil, fmt.Errorf("order %d: no rate for %q", o.ID, o.Currency)
		}
		out[i] = converted{o.ID, o.Country, float64(o.Cents) * rate / 100}
	}
	return out, nil
}

var asked atomic.Int64

// currentRates stands for a service over the network, which is busy every third time. Retryable says
// that another try may help.
func currentRates() (map[string]float64, error) {
	if asked.Add(1)%3 == 0 {
		return nil, portworker.Retryable(errors.New("the rate service is busy"))
	}
	return map[string]float64{"EUR": 1, "USD": 0.875, "JPY": 0.00625}, nil
}
