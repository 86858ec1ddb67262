package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/dispatch"
	"portworker/etf"
)

func TestDescribeFunctionShowsEverything(t *testing.T) {
	progress, limit := etf.TypeFor[float64](), 50*time.Millisecond
	var out strings.Builder
	require.NoError(t, describeFunction(&out, &dispatch.Function{
		Name: "f", Kind: dispatch.KindFunction, Lane: dispatch.LaneCPU, Doc: "Does it. And more.",
		Args: []etf.Type{etf.TypeFor[string](), etf.TypeFor[[]int]()}, Result: etf.TypeFor[bool](), Progress: &progress,
		Policies: dispatch.Policies{
			Retry: &dispatch.RetryPolicy{MaxAttempts: 5, Backoff: time.Second}, Breaker: &dispatch.BreakerPolicy{},
			Hedge: &dispatch.HedgePolicy{After: time.Second, Max: 2}, Rate: &dispatch.RateLimit{PerSecond: 10, Burst: 3},
			TimeLimit: &limit, FallbackTo: "g",
		},
	}))
	assert.Equal(t, `f(binary, [integer]) -> boolean
  kind: function
  lane: cpu
  progress: float
  fallback: g
  retry: MaxAttempts 5, Backoff 1s
  rate: 10 per second, 3 at once
  time limit: 50ms
  breaker: defaults
  hedge: after 1s, up to 2 more
  Does it. And more.
`, out.String())
}

func TestShort(t *testing.T) {
	type large struct{ Alpha, Beta, Gamma string }
	tests := map[string]struct {
		t    etf.Type
		want string
	}{
		"short":           {etf.TypeFor[[]int](), "[integer]"},
		"a struct":        {etf.TypeFor[large](), "%{...}"},
		"a list of them":  {etf.TypeFor[[]large](), "[%{...}]"},
		"perhaps one":     {etf.TypeFor[*large](), "%{...} | nil"},
		"a map of them":   {etf.TypeFor[map[string]large](), "%{...}"},
		"nothing is said": {etf.Type{}, "any"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tt.want, short(tt.t)) })
	}
}
