package protocol

import (
	"fmt"
	"math"
	"time"

	"portworker/etf"
)

// eachPair calls visit for the pairs of a scanned map whose key is an atom or a
// binary; ok is false for what is no map.
func eachPair(term etf.Raw, visit func(key string, value etf.Raw) *Error) (err *Error, ok bool) {
	pairs, n, ok := etf.ReadMap(term)
	if !ok {
		return nil, false
	}
	for range pairs {
		size := etf.Size(term[n:])
		key := term[n : n+size]
		n += size
		size = etf.Size(term[n:])
		value := term[n : n+size : n+size]
		n += size
		if name, known := readName(key); known {
			if err := visit(name, value); err != nil {
				return err, true
			}
		}
	}
	return nil, true
}

// defaultOptions are those of a call without any.
var defaultOptions = CallOptions{Credit: CreditDefault, Progress: true}

// ParseCallOptions reads a map of a call's options, for calls that are inside
// others.
func ParseCallOptions(term etf.Raw) (CallOptions, error) {
	o := defaultOptions
	if err := parseOptions(term, &o); err != nil {
		return o, err
	}
	return o, nil
}

// parseOptions reads the options of a call into o. Unknown keys are ignored.
func parseOptions(term etf.Raw, o *CallOptions) *Error {
	err, ok := eachPair(term, o.set)
	if !ok {
		return messageError("options %s: expected a map", term)
	}
	return err
}

func (o *CallOptions) set(key string, value etf.Raw) *Error {
	ok, expected := true, ""
	switch key {
	case "timeout":
		expected = "milliseconds or infinity"
		o.Timeout, ok = readTimeout(value)
	case "priority":
		expected = "low, normal, high or critical"
		o.Priority, ok = readPriority(value)
	case "lane":
		expected = "io, cpu, blocking or dedicated"
		o.Lane, ok = readName(value)
	case "owner":
		o.Owner = value
	case "credit":
		expected = "a number of elements"
		var n int64
		n, _, ok = etf.ReadInt(value)
		ok = ok && n >= 0
		o.Credit = clampInt(n)
	case "retry":
		expected = "a map"
		_, _, ok = etf.ReadMap(value)
		o.Retry = value
	case "name":
		expected = "an atom or a binary"
		o.Name, ok = readName(value)
	case "meta":
		expected = "a map"
		_, _, ok = etf.ReadMap(value)
		o.Meta = value
	case "input_credit":
		expected = "true or false"
		o.InputCredit, ok = readBool(value)
	case "progress":
		expected = "true or false"
		o.Progress, ok = readBool(value)
	case "keep":
		expected = "a number"
		o.number, _, ok = etf.ReadInt(value)
		o.numbered = ok
	}
	if !ok {
		return messageError("option %s is %s: expected %s", key, value, expected)
	}
	return nil
}

// readTimeout reads whole milliseconds or infinity, which is 0. No time at all is
// the shortest there is.
func readTimeout(value etf.Raw) (time.Duration, bool) {
	if name, ok := readName(value); ok {
		return 0, name == "infinity"
	}
	ms, _, ok := etf.ReadInt(value)
	switch {
	case !ok || ms < 0:
		return 0, false
	case ms == 0:
		return 1, true
	case ms > math.MaxInt64/int64(time.Millisecond):
		return 0, true
	}
	return time.Duration(ms) * time.Millisecond, true
}

func readPriority(value etf.Raw) (Priority, bool) {
	name, _ := readName(value)
	switch name {
	case "low":
		return PriorityLow, true
	case "normal":
		return PriorityNormal, true
	case "high":
		return PriorityHigh, true
	case "critical":
		return PriorityCritical, true
	}
	return 0, false
}

func readBool(value etf.Raw) (v, ok bool) {
	name, _, isAtom := etf.ReadAtom(value)
	return name == "true", isAtom && (name == "true" || name == "false")
}

// parseHello reads the client's hello.
func parseHello(term etf.Raw) Message {
	hello := &Hello{}
	err, ok := eachPair(term, hello.set)
	if !ok {
		err = messageError("hello %s: expected a map", term)
	}
	if err != nil {
		return &Invalid{Err: err}
	}
	return hello
}

func (h *Hello) set(key string, value etf.Raw) *Error {
	ok, expected := true, ""
	switch key {
	case "protocol":
		expected = "a version number"
		var n int64
		n, _, ok = etf.ReadInt(value)
		h.Protocol = clampInt(n)
	case "window":
		expected = "a number of bytes"
		var n int64
		n, _, ok = etf.ReadInt(value)
		ok = ok && n >= 0
		h.Window = clampInt(n)
	case "log_level":
		expected = "debug, info, notice, warning or error"
		h.LogLevel, ok = readName(value)
	case "config":
		expected = "a map"
		ok = etf.Decode(value, &h.Config) == nil
	case "short_results":
		expected = "true or false"
		h.ShortResults, ok = readBool(value)
	case "callbacks":
		expected = "a list of names"
		h.Callbacks, ok = readNames(value)
	}
	if !ok {
		return messageError("hello's %s is %s: expected %s", key, value, expected)
	}
	return nil
}

func readNames(list etf.Raw) ([]string, bool) {
	if !isList(list) {
		return nil, false
	}
	terms, err := etf.SplitList(list, nil)
	if err != nil {
		return nil, false
	}
	names := make([]string, len(terms))
	for i, term := range terms {
		var ok bool
		if names[i], ok = readName(term); !ok {
			return nil, false
		}
	}
	return names, true
}

// clip shortens a name from the other side for a message.
func clip(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:most], len(s))
}
