package protocol

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// errorMap returns an error as the client gets it.
func errorMap(t *testing.T, c Codec, e *Error) map[string]any {
	t.Helper()
	packet := written(t, c, c.Fault(nil, e))
	if c == MessagePack {
		var fault []any
		require.NoError(t, unpackMessagePack(packet, &fault))
		require.Len(t, fault, 3)
		return fault[2].(map[string]any)
	}
	m := make(map[string]any)
	for _, pair := range unmarshal(t, packet).(etf.Tuple)[2].(etf.Map) {
		m[string(pair.Key.(etf.Atom))] = pair.Value
	}
	return m
}

func TestErrorsOnTheWire(t *testing.T) {
	tests := map[string]struct {
		err  *Error
		want map[string]any
	}{
		"reason and message": {
			&Error{Reason: Timeout, Message: "late"},
			map[string]any{"reason": etf.Atom("timeout"), "message": "late"}},
		"everything": {
			&Error{Reason: Overloaded, Message: "busy", Details: []int{1}, Stack: "main.go:1", RetryAfter: time.Second},
			map[string]any{"reason": etf.Atom("overloaded"), "message": "busy", "details": []any{int64(1)}, "stack": "main.go:1", "retry_after": int64(1000)}},
		"no reason": {
			&Error{Message: "hm"},
			map[string]any{"reason": etf.Atom("failed"), "message": "hm"}},
		"a reason that is not on the list": {
			&Error{Reason: "out_of_cheese", Message: "redo from start"},
			map[string]any{"reason": etf.Atom("failed"), "message": "out_of_cheese: redo from start"}},
		"a reason that is no atom": {
			&Error{Reason: Reason(strings.Repeat("x", 300))},
			map[string]any{"reason": etf.Atom("failed"), "message": strings.Repeat("x", 300)}},
		"a message that is not UTF-8": {
			&Error{Reason: Failed, Message: "caf\xe9 au lait"},
			map[string]any{"reason": etf.Atom("failed"), "message": "caf\uFFFD au lait"}},
		"a stack that is not UTF-8": {
			&Error{Reason: Panic, Stack: "\xff"},
			map[string]any{"reason": etf.Atom("panic"), "message": "", "stack": "\uFFFD"}},
		"details that have no term": {
			&Error{Reason: Failed, Message: "no", Details: make(chan int)},
			map[string]any{"reason": etf.Atom("failed"), "message": "no (its details could not be encoded: chan int has no form as a term)"}},
		"details that are no number": {
			&Error{Reason: Failed, Message: "no", Details: math.NaN()},
			map[string]any{"reason": etf.Atom("failed"), "message": "no (its details could not be encoded: NaN has no encoding, expected a finite float)"}},
		"less than a millisecond is one": {
			&Error{Reason: Overloaded, RetryAfter: 1},
			map[string]any{"reason": etf.Atom("overloaded"), "message": "", "retry_after": int64(1)}},
		"a part of a millisecond counts": {
			&Error{Reason: Overloaded, RetryAfter: 2*time.Millisecond + 1},
			map[string]any{"reason": etf.Atom("overloaded"), "message": "", "retry_after": int64(3)}},
		"a negative time to wait is none": {
			&Error{Reason: Overloaded, RetryAfter: -time.Second},
			map[string]any{"reason": etf.Atom("overloaded"), "message": ""}},
		"the longest time to wait": {
			&Error{Reason: Overloaded, RetryAfter: math.MaxInt64},
			map[string]any{"reason": etf.Atom("overloaded"), "message": "", "retry_after": int64(math.MaxInt64/1_000_000 + 1)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, errorMap(t, ETF, test.err))
		})
	}
}

func TestDetailsWithoutMessagePackFormAreLeftOut(t *testing.T) {
	got := errorMap(t, MessagePack, &Error{Reason: Failed, Message: "no", Details: etf.Bitstring{Bytes: []byte{0x80}, Bits: 1}})
	assert.Equal(t, map[string]any{
		"reason":  "failed",
		"message": "no (its details could not be encoded: bitstring has no MessagePack form)",
	}, got)
}

func TestErrorsTellWhichTheyAre(t *testing.T) {
	err := fmt.Errorf("call: %w", &Error{Reason: Timeout, Message: "late"})
	assert.ErrorIs(t, err, &Error{Reason: Timeout})
	assert.NotErrorIs(t, err, &Error{Reason: Cancelled})
	assert.NotErrorIs(t, err, &Error{Reason: Timeout, Message: "late"}, "only a reason asks which")
	assert.NotErrorIs(t, err, errors.New("timeout: late"))
	assert.EqualError(t, err, "call: timeout: late")
	assert.EqualError(t, &Error{Reason: Draining}, "draining")
	assert.EqualError(t, &Error{Message: "without a reason"}, "without a reason")
}

func TestResultsThatCannotBeEncodedAreErrors(t *testing.T) {
	tests := map[string]struct {
		codec Codec
		value any
		want  string
	}{
		"a channel":                  {ETF, make(chan int), "chan int has no form as a term"},
		"a channel, MessagePack":     {MessagePack, make(chan int), "chan int has no form as a term"},
		"an improper list":           {MessagePack, etf.ImproperList{Elements: []any{1}, Tail: 2}, "an improper list has no MessagePack form"},
		"an integer of 65 bits":      {MessagePack, etf.Raw{110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "an integer outside -9223372036854775808..18446744073709551615 has no MessagePack form"},
		"a term inside another term": {MessagePack, map[string]any{"a": []any{etf.Bitstring{Bytes: []byte{0x80}, Bits: 1}}}, "bitstring has no MessagePack form"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := test.codec.Result(ref(t, test.codec, 1), test.value)
			assert.ErrorContains(t, err, test.want)
			_, err = test.codec.Progress(ref(t, test.codec, 1), test.value)
			assert.ErrorContains(t, err, test.want)
			_, err = test.codec.Hello(etf.Map{{Key: "x", Value: test.value}})
			assert.Error(t, err)
			_, err = test.codec.Log("info", "x", etf.Map{{Key: "x", Value: test.value}})
			assert.Error(t, err)
		})
	}
}
