package portworker_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/internal/guide"
	"portworker/portworkertest"
)

func TestThePoliciesGuideShowsTheCodeAsItIs(t *testing.T) {
	assert.NotZero(t, guide.ShowsCodeAsItIs(t, ".", "docs/policies.md"))
}

func TestThePoliciesGuideNamesEveryOption(t *testing.T) {
	page := guide.Page(t, ".", "docs/policies.md")
	source, err := os.ReadFile("policies.go")
	require.NoError(t, err)
	options := regexp.MustCompile(`(?m)^func (\w+)`).FindAllStringSubmatch(string(source), -1)
	require.NotEmpty(t, options)
	for _, o := range options {
		assert.Contains(t, page, "`"+o[1], "the page lacks %s", o[1])
	}
}

// market is a service that answers as a test says.
type market struct {
	answers []error
	asked   int
}

var (
	errBusy  = errors.New("the market is busy")
	errSlow  = errors.New("slow")
	errSpoil = errors.New("no such symbol")
)

func (m *market) price(ctx context.Context, _ string) (float64, error) {
	answer := m.answers[min(m.asked, len(m.answers)-1)]
	if m.asked++; answer == errSlow {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return 42, answer
}

func (m *market) quote(ctx context.Context, symbol string) (float64, error) {
	price, err := m.price(ctx, symbol)
	if errors.Is(err, errBusy) {
		return 0, portworker.Retryable(err, 200*time.Millisecond)
	}
	return price, err
}

func lastKnown(_ context.Context, err error) (float64, error) {
	if errors.Is(err, errSpoil) {
		return 0, err
	}
	return 41.5, nil
}

func (m *market) worker() *portworker.Worker {
	w := portworker.New(portworker.Config{})
	portworker.Handle(w, "quote", m.quote,
		portworker.Retry(portworker.RetryPolicy{MaxAttempts: 3, Backoff: 50 * time.Millisecond}),
		portworker.TimeLimit(500*time.Millisecond),
		portworker.Breaker(portworker.BreakerPolicy{Failures: 5, Window: time.Minute, ResetAfter: 10 * time.Second}),
		portworker.RateLimit(100, 10),
		portworker.Fallback(lastKnown),
	)
	return w
}

func hedgedWorker(lookup func(context.Context, string) (string, error)) *portworker.Worker {
	w := portworker.New(portworker.Config{})
	portworker.Handle(w, "lookup", lookup, portworker.Hedge(50*time.Millisecond, 1))
	return w
}

func pooled(pool chan<- func()) *portworker.Worker {
	w := portworker.New(portworker.Config{
		Executors: map[portworker.Lane]portworker.Executor{
			portworker.LaneCPU: func(run func()) { pool <- run },
		},
	})
	portworker.Handle0(w, "crunch", crunch, portworker.OnLane(portworker.LaneCPU))
	return w
}

func crunch(context.Context) (string, error) { return "crunched", nil }

func TestTheGuidesQuote(t *testing.T) {
	cases := map[string]struct {
		answers []error
		took    time.Duration
		value   any
		message string
	}{
		"at once":                           {[]error{nil}, 0, 42.0, ""},
		"when the market is no longer busy": {[]error{errBusy, errBusy, nil}, 400 * time.Millisecond, 42.0, ""},
		"the last known one":                {[]error{errBusy}, 400 * time.Millisecond, 41.5, ""},
		"never, for nothing":                {[]error{errSpoil}, 0, nil, "no such symbol"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &market{answers: c.answers}
				p := portworkertest.Start(t, m.worker())
				begun := time.Now()
				result := p.Call("quote", "ACME")
				assert.Equal(t, c.took, time.Since(begun))
				assert.Equal(t, c.value, result.Value)
				if c.message != "" {
					assert.Equal(t, c.message, result.Err.Message)
				}
			})
		})
	}
}

func TestTheGuidesSlowMarketIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &market{answers: []error{errSlow, nil}}
		p := portworkertest.Start(t, m.worker())
		assert.Equal(t, 42.0, p.Call("quote", "ACME").Value)
		assert.Equal(t, 2, m.asked)
	})
}

func TestTheGuidesHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		p := portworkertest.Start(t, hedgedWorker(func(ctx context.Context, key string) (string, error) {
			if runs.Add(1) == 1 {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "value of " + key, nil
		}))
		begun := time.Now()
		assert.Equal(t, "value of k", p.Call("lookup", "k").Value)
		assert.Equal(t, 50*time.Millisecond, time.Since(begun))
	})
}

func TestTheGuidesPool(t *testing.T) {
	pool := make(chan func(), 10)
	go func() {
		for run := range pool {
			run()
		}
	}()
	defer close(pool)
	p := portworkertest.Start(t, pooled(pool))
	assert.Equal(t, "crunched", p.Call("crunch").Value)
	assert.Equal(t, "crunched", p.Await(p.Start("crunch", etf.Map{{Key: "retry", Value: etf.Map{}}})).Value)
}
