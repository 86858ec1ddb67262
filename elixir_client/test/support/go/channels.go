package main

import (
	"context"
	"errors"

	"portworker"
	"portworker/etf"
)

// command is what the counter takes.
type command interface{ isCommand() }

type (
	add   struct{ Value int }
	get   struct{}
	leave struct{}
)

func (add) isCommand()   {}
func (get) isCommand()   {}
func (leave) isCommand() {}

var _ = etf.RegisterUnion[command](add{}, get{}, leave{})

func registerChannels(w *portworker.Worker) {
	portworker.HandleChannel(w, "counter", counter)
	portworker.HandleChannel0(w, "echo", echo)
	portworker.HandleChannel0(w, "ignore", ignore)
	portworker.HandleChannel(w, "emit", emit)
}

// counter adds up what it is told. At the end of input its last word is the
// total, negated.
func counter(ctx context.Context, total int, ch *portworker.Channel[command, int]) error {
	for in, err := range ch.All(ctx) {
		if err != nil {
			return err
		}
		switch in := in.(type) {
		case add:
			total += in.Value
		case get:
			if err := ch.Send(ctx, total); err != nil {
				return err
			}
		case leave:
			return errors.New("told to leave")
		}
	}
	return ch.Finish(ctx, -total)
}

// echo sends back what it gets.
func echo(ctx context.Context, ch *portworker.Channel[any, any]) error {
	return ch.SendAll(ctx, ch.All(ctx))
}

// ignore takes no input, and ends when it is told to.
func ignore(ctx context.Context, _ *portworker.Channel[any, any]) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// emit sends n numbers and takes no input.
func emit(ctx context.Context, n int, ch *portworker.Channel[any, int]) error {
	return ch.SendAll(ctx, numbers(ctx, 1, n))
}
