package main

import (
	"context"
	"math/big"

	"portworker"
	"portworker/etf"
)

// stateCommand is what a stateful_worker takes: {:add, %{value: v}}, {:multiply, %{value: v}},
// :get_current or :shutdown.
type stateCommand interface{ stateCommand() }

type (
	add        struct{ Value big.Int }
	multiply   struct{ Value big.Int }
	getCurrent struct{}
	shutdown   struct{}
)

func (add) stateCommand()        {}
func (multiply) stateCommand()   {}
func (getCurrent) stateCommand() {}
func (shutdown) stateCommand()   {}

// stateAnswer is what it answers: {:updated, %{old_value: v, new_value: w}} and so on.
type stateAnswer interface{ stateAnswer() }

type (
	updated      struct{ OldValue, NewValue *big.Int }
	current      struct{ Value *big.Int }
	shuttingDown struct{ FinalValue *big.Int }
)

func (updated) stateAnswer()      {}
func (current) stateAnswer()      {}
func (shuttingDown) stateAnswer() {}

var (
	_ = etf.RegisterUnion[stateCommand](add{}, multiply{}, getCurrent{}, shutdown{})
	_ = etf.RegisterUnion[stateAnswer](updated{}, current{}, shuttingDown{})
)

// statefulWorker keeps a number for as long as the channel is open. The state is a local variable:
// one goroutine owns it.
func statefulWorker(ctx context.Context, initial *big.Int, ch *portworker.Channel[stateCommand, stateAnswer]) error {
	value := new(big.Int)
	if initial != nil {
		value = initial
	}
	set := func(next *big.Int) error {
		old := value
		value = next
		return ch.Send(ctx, updated{OldValue: old, NewValue: next})
	}
	for command, err := range ch.All(ctx) {
		if err != nil {
			return err
		}
		switch command := command.(type) {
		case add:
			err = set(new(big.Int).Add(value, &command.Value))
		case multiply:
			err = set(new(big.Int).Mul(value, &command.Value))
		case getCurrent:
			err = ch.Send(ctx, current{Value: value})
		case shutdown:
			return ch.Finish(ctx, shuttingDown{FinalValue: value})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
