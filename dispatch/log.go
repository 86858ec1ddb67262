package dispatch

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"portworker/etf"
)

const (
	// maxLogText bounds a log message and each of its attributes, in bytes.
	maxLogText = 8 << 10
	// maxLogAttrs bounds the attributes of a record.
	maxLogAttrs = 64
)

// logState is what a connection's log handlers share.
type logState struct {
	level   slog.LevelVar
	greeted atomic.Bool // the client has said hello, and so knows what a log message is
	dropped atomic.Int64
}

// LogHandler returns a handler that sends records to the client as log messages. Until the
// client has said hello, and after the output is gone, records go to otherwise.
//
// It never blocks on the client: records are dropped, and counted in $stats,
// while too much output waits to be read. Messages and attributes are bounded to 8 KiB and
// are valid UTF-8; attributes that are no numbers, booleans or times are sent
// as their text.
func (c *Conn) LogHandler(otherwise slog.Handler) slog.Handler {
	return &logHandler{conn: c, otherwise: otherwise}
}

type logHandler struct {
	conn      *Conn
	otherwise slog.Handler
	attrs     []slog.Attr
	prefix    string
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.conn.logs.level.Level()
}

func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	if !h.conn.logs.greeted.Load() || h.conn.writer.Err() != nil {
		return h.otherwise.Handle(ctx, r)
	}
	if !h.conn.writer.HasRoom() {
		h.conn.logs.dropped.Add(1)
		return nil
	}
	attrs := make(logAttrs, 0, len(h.attrs)+r.NumAttrs()+2)
	for _, a := range h.attrs {
		attrs.add("", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		attrs.add(h.prefix, a)
		return true
	})
	if t := TaskFrom(ctx); t != nil {
		attrs.add("", slog.String("function", t.Function()))
		if t.Name() != "" {
			attrs.add("", slog.String("task", t.Name()))
		}
		if trace, span := traceIDs(Meta(ctx)["traceparent"]); trace != "" {
			attrs.add("", slog.String("trace_id", trace))
			attrs.add("", slog.String("span_id", span))
		}
	}
	o, err := h.conn.codec().Log(levelName(r.Level), clean(r.Message), etf.Map(attrs))
	if err != nil {
		return err
	}
	h.conn.answer(o)
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.otherwise = h.otherwise.WithAttrs(attrs)
	next.attrs = append([]slog.Attr(nil), h.attrs...)
	for _, a := range attrs {
		a.Key = h.prefix + a.Key
		next.attrs = append(next.attrs, a)
	}
	return &next
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.otherwise = h.otherwise.WithGroup(name)
	next.prefix = h.prefix + name + "."
	return &next
}

// logAttrs collects attributes under binary keys: they are not declared names,
// so they must not become atoms. Of equal keys the last one counts.
type logAttrs etf.Map

func (m *logAttrs) add(prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	key := clean(prefix + a.Key)
	if value.Kind() == slog.KindGroup {
		for _, member := range value.Group() {
			m.add(prefix+a.Key+".", member)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	for i := range *m {
		if (*m)[i].Key == key {
			(*m)[i].Value = logValue(value)
			return
		}
	}
	if len(*m) < maxLogAttrs {
		*m = append(*m, etf.Pair{Key: key, Value: logValue(value)})
	}
}

func logValue(v slog.Value) any {
	switch v.Kind() {
	case slog.KindBool:
		return v.Bool()
	case slog.KindInt64:
		return v.Int64()
	case slog.KindUint64:
		return v.Uint64()
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	}
	return clean(v.String())
}

// clean makes text fit for a logger on the other side.
func clean(s string) string {
	if len(s) > maxLogText {
		s = s[:maxLogText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func levelName(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "debug"
	case level < LevelNotice:
		return "info"
	case level < slog.LevelWarn:
		return "notice"
	case level < slog.LevelError:
		return "warning"
	}
	return "error"
}
