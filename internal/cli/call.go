package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"portworker/dispatch"
	"portworker/etf"
	"portworker/internal/wire"
)

const (
	callRef = 1
	// elementCredit is how many elements may be on their way; more is granted as they are written.
	elementCredit = 64
)

// A call is one call and all that is said about it.
type call struct {
	name    string
	kind    dispatch.Kind
	input   etf.Type
	options *callOptions
	show    *display
	signals <-chan os.Signal
	client  *client
}

// interrupts returns Ctrl-C and requests to end, in place of what they do by themselves.
func interrupts() (<-chan os.Signal, func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals, func() { signal.Stop(signals) }
}

// run makes the call and waits for its end.
func (c *call) run(w Worker, in io.Reader, args []any) error {
	c.client = dial(w)
	if err := c.client.send("call", callRef, c.name, args, c.options.message(c.kind)); err != nil {
		return err
	}
	var inputs *inputs
	if c.kind == dispatch.KindChannel {
		inputs = newInputs(c.client, c.input, c.options.plain, c.show)
		go inputs.send(in)
	}
	ended := make(chan struct{})
	defer close(ended)
	go c.cancelOnSignal(ended)
	err := c.follow(inputs)
	if closed := c.client.close(); err == nil {
		err = closed
	}
	if err == nil && inputs != nil && inputs.skipped.Load() {
		return &Exit{Status: ExitFailure}
	}
	return err
}

// cancelOnSignal cancels the task at the first signal and ends the program at the second.
func (c *call) cancelOnSignal(ended <-chan struct{}) {
	select {
	case <-c.signals:
	case <-ended:
		return
	}
	c.show.note("cancelling; once more ends the program")
	_ = c.client.send("cancel", callRef)
	select {
	case s := <-c.signals:
		if number, ok := s.(syscall.Signal); ok {
			os.Exit(128 + int(number))
		}
		os.Exit(ExitFailure)
	case <-ended:
	}
}

// follow shows what the worker says until the task has ended.
func (c *call) follow(inputs *inputs) error {
	for {
		m, err := c.client.next()
		if err != nil {
			return fmt.Errorf("the worker ended before the task: %w", err)
		}
		if m.Tag == "result" && len(m.Parts) == 2 {
			return c.end(m.Parts[1])
		}
		if err := c.act(m, inputs); err != nil {
			return err
		}
	}
}

// act shows one message, and answers it where the worker waits for that.
func (c *call) act(m wire.Message, inputs *inputs) error {
	switch {
	case m.Tag == "progress" && len(m.Parts) == 2:
		return c.show.progress(m.Parts[1])
	case m.Tag == "data" && len(m.Parts) == 2:
		elements, err := etf.SplitList(m.Parts[1], nil)
		if err == nil {
			err = c.show.values(elements)
		}
		if err != nil {
			// Nobody reads any longer: there is no use in the rest.
			return errors.Join(err, c.client.send("cancel", callRef))
		}
		return c.client.send("credit", callRef, len(elements))
	case m.Tag == "credit" && len(m.Parts) == 2 && inputs != nil:
		n, _, _ := etf.ReadInt(m.Parts[1])
		inputs.grant(int(n))
	case m.Tag == "callback" && len(m.Parts) == 5:
		return c.client.send("reply", m.Parts[0], etf.Tuple{etf.Atom("error"), etf.Map{
			{Key: etf.Atom("message"), Value: "the command line has no functions to call back"},
		}})
	case m.Tag == "notify" && len(m.Parts) == 2:
		return c.show.other("notify", m.Parts[1])
	case m.Tag == "fault" && len(m.Parts) == 2:
		return c.show.other("fault", m.Parts[1])
	}
	return nil
}

// end shows how the task has ended.
func (c *call) end(outcome etf.Raw) error {
	arity, n, _ := etf.ReadTuple(outcome)
	word, size, _ := etf.ReadAtom(outcome[n:])
	if arity != 2 {
		return fmt.Errorf("result %s: expected {ok, Term} or {error, Error}", outcome)
	}
	value := outcome[n+size:]
	if word != "ok" {
		if err := c.show.failure(value); err != nil {
			return err
		}
		return &Exit{Status: ExitFailure}
	}
	c.show.clear()
	if name, _, isAtom := etf.ReadAtom(value); c.kind != dispatch.KindFunction && c.kind != "" && isAtom && name == "nil" {
		return nil
	}
	return c.show.values([]etf.Raw{value})
}
