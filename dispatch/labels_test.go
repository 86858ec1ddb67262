package dispatch

import (
	"bytes"
	"context"
	"io"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
	"portworker/protocol"
)

// labelledGoroutines counts the goroutines that are labelled with a function.
func labelledGoroutines(t *testing.T, name string) int {
	var out bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&out, 1))
	return strings.Count(out.String(), `"function":"`+name+`"`)
}

func TestTheReaderHasTheLabelsOfWhatItRunsAndNoneWhenItWaits(t *testing.T) {
	begun := make(chan struct{})
	w := serveInline(t, actInline(begun, func(context.Context, *Task) (any, error) { return labelledGoroutines(t, "act"), nil }))
	w.begin(begun)
	assert.Equal(t, result(1, int64(1)), w.next())
	for labelledGoroutines(t, "act") > 0 { // until it waits
	}
}

func TestTheReaderKeepsLabelsUnlessAProfileIsTaken(t *testing.T) {
	defer pprof.SetGoroutineLabels(context.Background())
	for name, taken := range map[string]bool{"no profile": false, "a profile": true} {
		t.Run(name, func(t *testing.T) {
			profiling.Store(taken)
			defer profiling.Store(false)
			var registry Registry
			registry.Add(Function{Name: "act", Run: func(context.Context, *Task) (any, error) { return nil, nil }})
			c := NewConn(strings.NewReader(""), io.Discard, Options{Registry: &registry})
			fn := registry.find("act")
			c.state.of(fn).pace = quick
			require.True(t, c.accept(&protocol.Call{Ref: etf.Raw("a\x01"), Function: "act", Args: etf.Raw("j")}))
			require.EqualValues(t, 1, c.state.inlined)
			if taken {
				assert.Equal(t, unlabelled, c.labels)
			} else {
				assert.Equal(t, fn.labels, c.labels)
			}
		})
	}
}

func TestLabelsOfCallersAreKeptWhileAProfileIsTaken(t *testing.T) {
	var c callerLabels
	base := pprof.WithLabels(t.Context(), pprof.Labels("function", "act"))
	owner := etf.Raw("w\x05shell")
	first := c.label(base, owner)
	who, _ := pprof.Label(first, "caller")
	assert.Equal(t, ":shell", who)
	assert.Same(t, first, c.label(base, append(etf.Raw{}, owner...)))
	assert.NotSame(t, first, c.label(base, etf.Raw("w\x05other")))
	owner[2] = 'S' // the packet it came in is not kept
	assert.Same(t, first, c.label(base, etf.Raw("w\x05shell")))
	for i := range 2 * mostCallers {
		c.label(base, etf.Raw{98, 0, 0, byte(i >> 8), byte(i)})
	}
	assert.LessOrEqual(t, len(c.made), mostCallers)
	c.forget()
	assert.Empty(t, c.made)
}
