package dispatch

import (
	"bytes"
	"fmt"
	"runtime"

	"golang.org/x/sync/singleflight"
)

// maxStacks bounds a dump of all stacks, in bytes. A task whose stack lies beyond it
// is shown without one.
const maxStacks = 64 << 20

// dumps lets all who want stacks at the same time share a dump: each stops the
// world, and thousands of tasks may be found to be still running at once.
var dumps singleflight.Group

// stackOf returns the stack of the goroutine that runs t's handler, or "" when
// it has returned. It finds it by the receiver of invoke, which a traceback shows
// as an address; so no task pays for being findable.
func stackOf(t *Task) string { return string(stacks()[fmt.Sprintf("%p", t)]) }

// stacks returns the stacks of all handlers by the addresses of their tasks.
func stacks() map[string][]byte {
	index, _, _ := dumps.Do("", func() (any, error) { return indexStacks(allStacks()), nil })
	return index.(map[string][]byte)
}

// invokeFrame is how a traceback begins the line of Task.invoke.
var invokeFrame = []byte("dispatch.(*Task).invoke(")

func indexStacks(dump []byte) map[string][]byte {
	index := make(map[string][]byte)
	for stack := range bytes.SplitSeq(dump, []byte("\n\n")) {
		_, frame, ok := bytes.Cut(stack, invokeFrame)
		if !ok {
			continue
		}
		if end := bytes.IndexAny(frame, "?,)"); end > 0 {
			index[string(frame[:end])] = stack
		}
	}
	return index
}

// allStacks returns a traceback of every goroutine.
func allStacks() []byte {
	// A stack is some hundred bytes to a few thousand: one dump does, most times.
	buf := make([]byte, min(maxStacks, 64<<10+4096*runtime.NumGoroutine()))
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= maxStacks {
			return buf[:n]
		}
		buf = make([]byte, min(maxStacks, 4*len(buf)))
	}
}
