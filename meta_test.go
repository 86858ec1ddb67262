package portworker_test

import (
	"context"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// nextSpan does what a propagator does: it makes a child of the span that a
// carrier brings.
func nextSpan(carrier map[string]string) map[string]string {
	trace := strings.Split(carrier["traceparent"], "-")[1]
	return map[string]string{"traceparent": "00-" + trace + "-1111111111111111-01"}
}

func TestTraceContextTravelsFromCallerToChildrenAndBack(t *testing.T) {
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "inner", func(ctx context.Context) (map[string]string, error) { return portworker.Meta(ctx), nil })
	portworker.Handle0(w, "outer", func(ctx context.Context) ([]map[string]string, error) {
		own := portworker.Meta(ctx)
		ctx = portworker.WithMeta(ctx, nextSpan(own))
		inner, err := portworker.Run[map[string]string](ctx, "inner")
		if err != nil {
			return nil, err
		}
		there, err := portworker.Call[map[string]string](ctx, "there")
		return []map[string]string{own, inner, there}, err
	})
	peer := portworkertest.Start(t, w)
	meta := etf.Map{{Key: etf.Atom("traceparent"), Value: traceparent}, {Key: "tenant", Value: "blue"}, {Key: "odd", Value: 1}}
	ref := peer.Start("outer", etf.Map{{Key: etf.Atom("meta"), Value: meta}})
	callback := peer.Next()
	sent, _ := callback[5].(etf.Map).Get(etf.Atom("meta"))
	peer.Send(etf.Tuple{etf.Atom("reply"), callback[1], etf.Tuple{etf.Atom("ok"), sent}})

	next := etf.Map{{Key: "tenant", Value: "blue"}, {Key: "traceparent", Value: "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01"}}
	got := peer.Await(ref).Value.([]any)
	assert.ElementsMatch(t, etf.Map{{Key: "tenant", Value: "blue"}, {Key: "traceparent", Value: traceparent}}, got[0])
	assert.ElementsMatch(t, next, got[1])
	assert.ElementsMatch(t, next, got[2])
}

func TestMetaWithoutATask(t *testing.T) {
	ctx := portworker.WithMeta(portworker.WithMeta(t.Context(), map[string]string{"a": "1", "b": "1"}), map[string]string{"b": "2"})
	assert.Equal(t, map[string]string{"a": "1", "b": "2"}, portworker.Meta(ctx))
	assert.Empty(t, portworker.Meta(t.Context()))
}

func TestProfilesTellFunctionsAndTasksApart(t *testing.T) {
	seen := make(chan string, 1)
	w := portworker.New(portworker.Config{})
	portworker.Handle0(w, "profiled", func(context.Context) (any, error) {
		var profile strings.Builder
		err := pprof.Lookup("goroutine").WriteTo(&profile, 1)
		seen <- profile.String()
		return nil, err
	})
	peer := portworkertest.Start(t, w)
	assert.Nil(t, peer.Await(peer.Start("profiled", etf.Map{{Key: etf.Atom("name"), Value: "nightly"}})).Err)
	assert.Contains(t, <-seen, `labels: {"function":"profiled", "task":"nightly"}`)
}
