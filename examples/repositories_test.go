package examples

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
)

// api serves three repositories; the first request for one of them finds it busy.
func api(t *testing.T) *httptest.Server {
	type item struct {
		Title   string   `json:"title"`
		Created string   `json:"created_at"`
		Labels  []string `json:"labels"`
	}
	lists := map[string][]item{
		"/repos/alpha/issues": {{"Crash at start", "2026-01-02T10:00:00Z", []string{"bug", "urgent"}}, {"Typo", "2026-03-01T10:00:00Z", nil}},
		"/repos/alpha/pulls":  {{"Fix the typo", "2026-03-02T10:00:00Z", nil}},
		"/repos/beta/issues":  {},
		"/repos/beta/pulls":   {},
		"/repos/gamma/issues": {{"Slow", "2026-05-01T10:00:00Z", []string{"bug"}}},
		"/repos/gamma/pulls":  {{"An old idea", "2025-01-01T10:00:00Z", nil}},
	}
	var busy atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list, ok := lists[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case r.URL.Path == "/repos/gamma/pulls" && busy.Add(1) == 1:
			http.Error(w, "busy", http.StatusServiceUnavailable)
		default:
			_ = json.NewEncoder(w).Encode(list)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestRepositories(t *testing.T) {
	worker := filepath.Join(t.TempDir(), "repositories")
	command(t, "../", "go", "build", "-o", worker, "./examples/repositories")
	script, err := filepath.Abs("repositories/repositories.exs")
	assert.NoError(t, err)
	got := command(t, ".", "elixir", "-pa", client(t), "--app", "portworker", script, worker, api(t).URL, "gamma", "beta", "alpha")
	assert.Equal(t, `alpha: 2 issues, 1 pull requests, 1 bugs; oldest: Crash at start
beta: 0 issues, 0 pull requests, 0 bugs; oldest: none
gamma: 1 issues, 1 pull requests, 1 bugs; oldest: An old idea
`, got)
}
