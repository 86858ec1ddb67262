package dispatch

import (
	"context"
	"maps"
	"strings"

	"portworker/etf"
)

// metaKey is where a context keeps metadata that was added to a call's own.
type metaKey struct{}

// Meta returns the metadata that travels with the task ctx belongs to: what the call
// brought, and what [WithMeta] has added. Keys and values are text; others, and the metadata
// of a context without a task, are left out.
func Meta(ctx context.Context) map[string]string {
	meta := make(map[string]string)
	if t := TaskFrom(ctx); t != nil {
		maps.Copy(meta, readMeta(t.call.Meta))
	}
	if added, ok := ctx.Value(metaKey{}).(map[string]string); ok {
		maps.Copy(meta, added)
	}
	return meta
}

// WithMeta returns a context with more metadata, for the callbacks and children
// that are started with it.
func WithMeta(ctx context.Context, more map[string]string) context.Context {
	added, _ := ctx.Value(metaKey{}).(map[string]string)
	all := maps.Clone(added)
	if all == nil {
		all = make(map[string]string, len(more))
	}
	maps.Copy(all, more)
	return context.WithValue(ctx, metaKey{}, all)
}

// metaTerm is the metadata for what t starts with ctx: as it came, if nothing was
// added.
func (t *Task) metaTerm(ctx context.Context) etf.Raw {
	if _, added := ctx.Value(metaKey{}).(map[string]string); !added {
		return t.call.Meta
	}
	term, err := etf.Append(nil, Meta(ctx))
	if err != nil { // text always has a form
		return t.call.Meta
	}
	return term
}

// readMeta reads a map of names to binaries.
func readMeta(term etf.Raw) map[string]string {
	var pairs etf.Map
	if term == nil || etf.Decode(term, &pairs) != nil {
		return nil
	}
	meta := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		key, isName := word(pair.Key)
		value, isText := pair.Value.(string)
		if isName && isText {
			meta[key] = value
		}
	}
	return meta
}

// traceIDs reads the ids of a W3C traceparent: version-trace-parent-flags, see
// https://www.w3.org/TR/trace-context/#traceparent-header.
func traceIDs(traceparent string) (trace, span string) {
	parts := strings.Split(traceparent, "-")
	if len(parts) < 4 || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return "", ""
	}
	return parts[1], parts[2]
}
