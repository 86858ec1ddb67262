package dispatch

import (
	"bytes"
	"fmt"
	"runtime"
)

// maxStacks bounds the dump in which a task's goroutine is looked for.
const maxStacks = 64 << 20

// stackOf returns the stack of the goroutine that runs t's handler, or "" when
// it has returned. It finds it by the receiver of invoke, which a traceback shows
// as an address; so no task pays for being findable. It stops the world for the
// time it takes to write all stacks down.
func stackOf(t *Task) string { return stacksByTask([]*Task{t})[t] }

// stacksByTask does the same for many tasks at once.
func stacksByTask(tasks []*Task) map[*Task]string {
	marks := make(map[string]*Task, len(tasks))
	for _, t := range tasks {
		marks[fmt.Sprintf("%p", t)] = t
	}
	found := make(map[*Task]string, len(tasks))
	for stack := range bytes.SplitSeq(allStacks(), []byte("\n\n")) {
		_, frame, ok := bytes.Cut(stack, invokeFrame)
		if !ok {
			continue
		}
		end := bytes.IndexAny(frame, "?,)")
		if t := marks[string(frame[:max(end, 0)])]; t != nil {
			found[t] = string(stack)
		}
	}
	return found
}

// invokeFrame is how a traceback begins the line of Task.invoke.
var invokeFrame = []byte("dispatch.(*Task).invoke(")

// allStacks returns a traceback of every goroutine.
func allStacks() []byte {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) || len(buf) >= maxStacks {
			return buf[:n]
		}
		buf = make([]byte, 4*len(buf))
	}
}
