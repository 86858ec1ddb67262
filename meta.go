package portworker

import (
	"context"

	"portworker/dispatch"
)

// Meta returns the metadata that travels with the task ctx belongs to: trace
// context, and whatever else the caller gave the call. It goes on to the task's
// children and callbacks. The map is the caller's to keep.
//
// It is a carrier as OpenTelemetry wants it: a propagator extracts the caller's span
// from propagation.MapCarrier(portworker.Meta(ctx)), and what it injects goes to
// [WithMeta]. A W3C traceparent shows as trace_id and span_id in log records.
func Meta(ctx context.Context) map[string]string { return dispatch.Meta(ctx) }

// WithMeta returns a context whose children and callbacks get more metadata. A key
// that was there is replaced.
func WithMeta(ctx context.Context, more map[string]string) context.Context {
	return dispatch.WithMeta(ctx, more)
}
