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
