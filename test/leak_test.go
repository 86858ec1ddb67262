package test

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.uber.org/goleak"
)

// finish is the end of every scenario: the worker is idle, has no child, goes on
// end of file with status 0, has answered all it accepted, and left nothing here.
func (p *Peer) finish() {
	p.t.Helper()
	if p.finished {
		return
	}
	p.finished = true
	defer p.release()
	p.Read()
	if p.alive() && !p.severed && !p.t.Failed() {
		if !p.runaway && p.ledger.unanswered() == 0 {
			p.requireIdle()
		}
		p.CloseStdin()
		assert.Equal(p.t, 0, p.Wait(patience), "status after end of file; stderr: %s", p.stderr)
	}
	if p.t.Failed() {
		return
	}
	p.checkEnd()
}

func (p *Peer) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// requireIdle waits until no task runs, and compares with a worker that never had one.
func (p *Peer) requireIdle() {
	p.t.Helper()
	base := idleGoroutines(p.t)
	if p.flow.bounded() {
		p.Hello() // without a window, for what follows acknowledges nothing
	}
	// $stats is a task itself, whether or not the worker counts it.
	p.until("running", func(n int64) bool { return n <= 1 })
	p.until("abandoned", func(n int64) bool { return n == 0 })
	p.until("goroutines", func(n int64) bool { return n <= base+idleSlack })
	assert.Empty(p.t, children(p.Pid()), "children of the worker")
}

// idleSlack allows for goroutines that are on their way out, and for those a
// worker starts at the first need and keeps.
const idleSlack = 4

var idle struct {
	once       sync.Once
	goroutines int64
}

func idleGoroutines(t *testing.T) int64 {
	idle.once.Do(func() {
		p := Start(t, overETF)
		p.runaway = true // it has nothing to be compared with
		idle.goroutines = p.count("goroutines")
		p.finish()
	})
	return idle.goroutines
}

// checkEnd looks at what is left once the process has gone.
func (p *Peer) checkEnd() {
	p.t.Helper()
	select {
	case <-p.drained:
	case <-time.After(patience):
		assert.Fail(p.t, "something still holds the worker's output")
		return
	}
	assert.Empty(p.t, p.ledger.broken(), "rules 1 and 12")
	assert.Empty(p.t, p.flow.broken(), "rule 13")
	if p.severed {
		return
	}
	rest, why := p.inbox.rest()
	assert.True(p.t, endOfOutput(why), "output ends inside a packet, or is none: %v", why)
	assert.Zero(p.t, p.ledger.unanswered(), "calls without a result")
	for _, m := range rest {
		assert.False(p.t, m.Tag == "fault", "unexpected %v", m)
	}
	assert.NotContains(p.t, p.Stderr(), "goroutine ", "a stack on stderr")
}

// release ends what is left by force, so that one failure does not spread.
func (p *Peer) release() {
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	_ = p.stdin.Close()
	_ = p.stdout.Close()
	<-p.exited
	<-p.drained
	if err := goleak.Find(p.before); err != nil {
		assert.Fail(p.t, "goroutines of the harness", strings.TrimSpace(err.Error()))
	}
}
