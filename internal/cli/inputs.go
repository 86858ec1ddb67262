package cli

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"portworker/etf"
)

// inputCredit is how many inputs a channel takes before it says that it has room for more.
const inputCredit = 64

// inputs are the lines that become the inputs of a channel.
type inputs struct {
	client   *client
	expected etf.Type
	plain    bool
	show     *display
	skipped  atomic.Bool // a line was no term

	mu     sync.Mutex
	more   *sync.Cond
	credit int
}

func newInputs(c *client, expected etf.Type, plain bool, show *display) *inputs {
	i := &inputs{client: c, expected: expected, plain: plain, show: show, credit: inputCredit}
	i.more = sync.NewCond(&i.mu)
	return i
}

// grant allows n more inputs.
func (i *inputs) grant(n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.credit += n
	i.more.Broadcast()
}

// take waits until an input is allowed.
func (i *inputs) take() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for i.credit == 0 {
		i.more.Wait()
	}
	i.credit--
}

// send reads lines from in, and closes the channel's input at their end. The program does not wait for it: a
// read from a terminal may never return.
func (i *inputs) send(in io.Reader) {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if text := strings.TrimRight(line, "\r\n"); line != "" {
			i.line(text)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				i.show.note("standard input: " + err.Error())
			}
			_ = i.client.send("close", callRef)
			return
		}
	}
}

// line sends one input. An empty line is one where inputs are texts.
func (i *inputs) line(text string) {
	if text == "" && !i.plain && i.expected.Kind != etf.KindBinary {
		return
	}
	v, err := argument(text, i.expected, i.plain)
	if err != nil {
		i.skipped.Store(true)
		i.show.note("input skipped: " + err.Error())
		return
	}
	i.take()
	_ = i.client.send("send", callRef, v)
}
