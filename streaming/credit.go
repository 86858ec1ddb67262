package streaming

import (
	"context"
	"sync"
)

// Credit counts how many elements may still be sent. The zero value has none.
type Credit struct {
	mu   sync.Mutex
	left int
	more chan struct{} // closed when there is credit again; nil when nobody waits
}

// maxCredit keeps grants that add up from running over.
const maxCredit = 1 << 62

// Add allows n more elements.
func (c *Credit) Add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = min(c.left, maxCredit-n) + n
	if c.left > 0 && c.more != nil {
		close(c.more)
		c.more = nil
	}
}

// take uses up one element's credit if there is any, and otherwise returns
// what to wait for before the next try.
func (c *Credit) take() (ok bool, more <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left > 0 {
		c.left--
		return true, nil
	}
	if c.more == nil {
		c.more = make(chan struct{})
	}
	return false, c.more
}

// Take uses up one element's credit, and waits for it until ctx or the task is
// done.
func (c *Credit) Take(ctx, task context.Context) error {
	for {
		ok, more := c.take()
		if ok {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-task.Done():
			return context.Cause(task)
		}
	}
}
