package portworkertest_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// This is the code of docs/testing.md.

// newShop is what main gives to portworker.Main.
func newShop() *portworker.Worker {
	w := portworker.New(portworker.Config{Name: "shop"})
	portworker.Handle(w, "price", price)
	portworker.Handle(w, "restock", restock)
	portworker.Handle(w, "fetch", new(supplier).fetch, portworker.Retry(portworker.RetryPolicy{
		MaxAttempts: 3, Backoff: time.Minute, Factor: 1, Jitter: portworker.NoJitter,
	}))
	portworker.HandleStream0(w, "orders", orders)
	portworker.HandleChannel0(w, "basket", basket)
	portworker.Handle2(w, "sell", sell)
	return w
}

var prices = map[string]int{"apple": 30, "pear": 40}

func price(_ context.Context, item string) (int, error) {
	cents, ok := prices[item]
	if !ok {
		return 0, &portworker.Error{Reason: portworker.BadArgs, Message: "no " + item + " in the shop"}
	}
	return cents, nil
}

func TestPrice(t *testing.T) {
	c := portworkertest.Connect(t, newShop())

	cents, err := portworkertest.Call[int](c, "price", "apple")
	require.NoError(t, err)
	assert.Equal(t, 30, cents)

	_, err = portworkertest.Call[int](c, "price", "plum")
	assert.ErrorIs(t, err, &portworker.Error{Reason: portworker.BadArgs})
	assert.ErrorContains(t, err, "no plum in the shop")
}

// shelf is what restock reports.
type shelf struct {
	Item string
	Left int
}

func restock(ctx context.Context, items []string) (int, error) {
	for i, item := range items {
		if err := portworker.Progress(ctx, shelf{item, len(items) - i - 1}); err != nil {
			return i, err
		}
		select {
		case <-time.After(time.Hour): // it is carried there
		case <-ctx.Done():
			return i, context.Cause(ctx)
		}
	}
	return len(items), nil
}

func TestRestockStopsWhenItIsCancelled(t *testing.T) {
	c := portworkertest.Connect(t, newShop())
	task := portworkertest.Async[int](c, "restock", []string{"apple", "pear"})

	for report := range portworkertest.Progress[shelf](task) {
		assert.Equal(t, shelf{Item: "apple", Left: 1}, report)
		assert.False(t, task.Cancel().StillRunning)
	}
	_, err := task.Await()
	assert.ErrorIs(t, err, &portworker.Error{Reason: portworker.Cancelled})
}

func TestRestockTakesAnHourForEachItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := portworkertest.Connect(t, newShop())
		began := time.Now()
		n, err := portworkertest.Call[int](c, "restock", []string{"apple", "pear"})
		require.NoError(t, err)
		assert.Equal(t, 2, n)
		assert.Equal(t, 2*time.Hour, time.Since(began))

		hurried := c.With(portworkertest.Options{Timeout: 90 * time.Minute})
		_, err = portworkertest.Call[int](hurried, "restock", []string{"apple", "pear"})
		assert.ErrorIs(t, err, &portworker.Error{Reason: portworker.Timeout})
	})
}

// supplier is busy at first.
type supplier struct{ asked int }

func (s *supplier) fetch(_ context.Context, item string) (string, error) {
	if s.asked++; s.asked < 3 {
		return "", portworker.Retryable(errors.New("the supplier is busy"))
	}
	return "a crate of " + item, nil
}

func TestFetchTriesAgainEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := portworkertest.Connect(t, newShop())
		began := time.Now()
		crate, err := portworkertest.Call[string](c, "fetch", "apple")
		require.NoError(t, err)
		assert.Equal(t, "a crate of apple", crate)
		assert.Equal(t, 2*time.Minute, time.Since(began))
	})
}

func orders(ctx context.Context, out *portworker.Sender[int]) error {
	for number := 1; ; number++ {
		if err := out.Send(ctx, number); err != nil {
			return err
		}
	}
}

func TestOrders(t *testing.T) {
	c := portworkertest.Connect(t, newShop())

	var got []int
	for number, err := range portworkertest.OpenStream[int](c, "orders").All() {
		require.NoError(t, err)
		if got = append(got, number); len(got) == 3 {
			break // which cancels the stream
		}
	}
	assert.Equal(t, []int{1, 2, 3}, got)
}

func TestOrdersAreMadeWhenTheyAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made := 0
		w := portworker.New(portworker.Config{})
		portworker.HandleStream0(w, "orders", func(ctx context.Context, out *portworker.Sender[int]) error {
			for ; ; made++ {
				if err := out.Send(ctx, made); err != nil {
					return err
				}
			}
		})
		s := portworkertest.OpenStream[int](portworkertest.Connect(t, w), "orders")
		s.Grant(2)
		synctest.Wait() // until the handler can go no further
		assert.Equal(t, 2, made)
	})
}

func basket(ctx context.Context, ch *portworker.Channel[string, int]) error {
	sum := 0
	for item, err := range ch.All(ctx) {
		if err != nil {
			return err
		}
		sum += prices[item]
		if err := ch.Send(ctx, sum); err != nil {
			return err
		}
	}
	return ch.Finish(ctx, -sum)
}

func TestBasket(t *testing.T) {
	c := portworkertest.Connect(t, newShop())
	ch := portworkertest.OpenChannel[string, int](c, "basket")

	ch.Send("apple")
	sum, err := ch.Next()
	require.NoError(t, err)
	assert.Equal(t, 30, sum)

	ch.Send("pear", "pear")
	ch.Close()
	rest, err := ch.Collect()
	require.NoError(t, err)
	assert.Equal(t, []int{70, 110, -110}, rest)
}

// sell asks the client for the rate, and tells a process what was sold.
func sell(ctx context.Context, item string, journal etf.Pid) (float64, error) {
	rate, err := portworker.Call[float64](ctx, "rate", "EUR")
	if err != nil {
		return 0, err
	}
	paid := rate * float64(prices[item])
	return paid, portworker.Notify(ctx, journal, etf.Tuple{etf.Atom("sold"), item})
}

func TestSell(t *testing.T) {
	c := portworkertest.Connect(t, newShop())
	c.Callback("rate", func(currency string) (float64, error) {
		assert.Equal(t, "EUR", currency)
		return 1.5, nil
	})
	journal := portworkertest.Pid(1)

	paid, err := portworkertest.Call[float64](c, "sell", "apple", journal)
	require.NoError(t, err)
	assert.Equal(t, 45.0, paid)
	assert.Equal(t, etf.Tuple{etf.Atom("sold"), "apple"}, portworkertest.Receive[etf.Tuple](c, journal))

	c.Callback("rate", func(string) error { return errors.New("the bank is closed") })
	_, err = portworkertest.Call[float64](c, "sell", "apple", journal)
	assert.ErrorContains(t, err, "the bank is closed")
}

func TestRestockAsAFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, task := portworkertest.Connect(t, nil).Context()

		n, err := restock(ctx, []string{"apple"})
		require.NoError(t, err)
		assert.Equal(t, 1, n)
		assert.Equal(t, []shelf{{"apple", 0}}, slices.Collect(portworkertest.Progress[shelf](task)))

		task.Cancel()
		_, err = restock(ctx, []string{"apple"})
		assert.ErrorIs(t, err, &portworker.Error{Reason: portworker.Cancelled})
	})
}
