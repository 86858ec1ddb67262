package main

import (
	"fmt"

	"github.com/okeuday/erlang_go/v2/erlang"
)

// What follows is what a Go programmer writes by hand to get from a value to the terms of erlang_go and back. It is
// as direct as it can be: a type assertion for each value, no reflection, nothing looked up twice.

// foreign is how a T becomes a term of erlang_go, and how that is read.
type foreign[T any] struct {
	to   func(T) any
	from func(any) (T, error)
}

func (f foreign[T]) decode(data []byte, v *T) error {
	term, err := erlang.BinaryToTerm(data)
	if err != nil {
		return err
	}
	*v, err = f.from(term)
	return err
}

func unexpected(term any, expected string) error {
	return fmt.Errorf("%T, expected %s", term, expected)
}

func listTo[T any](to func(T) any) func([]T) any {
	return func(list []T) any {
		terms := make([]any, len(list))
		for i, v := range list {
			terms[i] = to(v)
		}
		return erlang.OtpErlangList{Value: terms}
	}
}

func listFrom[T any](from func(any) (T, error)) func(any) ([]T, error) {
	return func(term any) ([]T, error) {
		list, ok := term.(erlang.OtpErlangList)
		if !ok {
			return nil, unexpected(term, "a list")
		}
		made := make([]T, len(list.Value))
		for i, v := range list.Value {
			var err error
			if made[i], err = from(v); err != nil {
				return nil, err
			}
		}
		return made, nil
	}
}

// oldInt64 makes an int, since erlang_go writes every int64 as a big integer.
func oldInt64(v int64) any { return int(v) }

func oldInt(v int) any       { return v }
func oldFloat(v float64) any { return v }
func oldString(v string) any { return []byte(v) }
func oldBytes(v []byte) any  { return v }

// key is an atom in the form that OTP 25 writes: erlang_go has another type for the other form.
func key(name string) any { return erlang.OtpErlangAtom(name) }

func newBytes(term any) ([]byte, error) {
	data, ok := term.(erlang.OtpErlangBinary)
	if !ok {
		return nil, unexpected(term, "a binary")
	}
	return data.Value, nil
}

func newString(term any) (string, error) {
	data, err := newBytes(term)
	return string(data), err
}

func newFloat(term any) (float64, error) {
	v, ok := term.(float64)
	if !ok {
		return 0, unexpected(term, "a float")
	}
	return v, nil
}

func newBool(term any) (bool, error) {
	v, ok := term.(bool)
	if !ok {
		return false, unexpected(term, "a boolean")
	}
	return v, nil
}

func newInteger[T int | int64 | uint16](term any) (T, error) {
	switch v := term.(type) {
	case uint8:
		return T(v), nil
	case int32:
		return T(v), nil
	}
	return 0, unexpected(term, "an integer of 32 bits")
}

// A reader takes the values out of a map, and keeps the first error.
type reader struct {
	pairs erlang.OtpErlangMap
	err   error
}

func newReader(term any) *reader {
	pairs, ok := term.(erlang.OtpErlangMap)
	if !ok {
		return &reader{err: unexpected(term, "a map")}
	}
	return &reader{pairs: pairs}
}

func get[T any](r *reader, name string, from func(any) (T, error)) (v T) {
	if r.err == nil {
		v, r.err = from(r.pairs[key(name)])
	}
	return v
}

func oldRequest(v request) any {
	return erlang.OtpErlangMap{
		key("method"): []byte(v.Method), key("path"): []byte(v.Path), key("user_id"): oldInt64(v.UserID),
		key("retries"): v.Retries, key("timeout_ms"): v.TimeoutMS, key("trace"): []byte(v.Trace), key("urgent"): v.Urgent,
	}
}

func newRequest(term any) (request, error) {
	r := newReader(term)
	return request{
		Method: get(r, "method", newString), Path: get(r, "path", newString),
		UserID: get(r, "user_id", newInteger[int64]), Retries: get(r, "retries", newInteger[int]),
		TimeoutMS: get(r, "timeout_ms", newInteger[int]), Trace: get(r, "trace", newString), Urgent: get(r, "urgent", newBool),
	}, r.err
}

func oldItem(v item) any {
	return erlang.OtpErlangMap{
		key("id"): oldInt64(v.ID), key("name"): []byte(v.Name), key("price"): v.Price,
		key("quantity"): v.Quantity, key("active"): v.Active, key("shelf"): v.Shelf,
	}
}

func newItem(term any) (item, error) {
	r := newReader(term)
	return item{
		ID: get(r, "id", newInteger[int64]), Name: get(r, "name", newString), Price: get(r, "price", newFloat),
		Quantity: get(r, "quantity", newInteger[int]), Active: get(r, "active", newBool), Shelf: get(r, "shelf", newInteger[int]),
	}, r.err
}

func oldConfig(v config) any {
	var fallback any = key("nil")
	if v.Fallback != nil {
		fallback = oldBackend(*v.Fallback)
	}
	return erlang.OtpErlangMap{
		key("name"): []byte(v.Name), key("version"): v.Version, key("features"): listTo(oldString)(v.Features),
		key("limits"): erlang.OtpErlangMap{
			key("requests"): v.Limits.Requests, key("burst"): v.Limits.Burst, key("rate"): v.Limits.Rate,
		},
		key("backends"): listTo(oldBackend)(v.Backends), key("fallback"): fallback,
	}
}

func oldBackend(v backend) any {
	return erlang.OtpErlangMap{
		key("host"): []byte(v.Host), key("port"): int(v.Port), key("weight"): v.Weight,
		key("secure"): v.Secure, key("weights"): listTo(oldInt)(v.Weights),
	}
}

func newConfigFrom(term any) (config, error) {
	r := newReader(term)
	return config{
		Name: get(r, "name", newString), Version: get(r, "version", newInteger[int]),
		Features: get(r, "features", listFrom(newString)), Limits: get(r, "limits", newLimits),
		Backends: get(r, "backends", listFrom(newBackend)), Fallback: get(r, "fallback", newFallback),
	}, r.err
}

func newLimits(term any) (limits, error) {
	r := newReader(term)
	return limits{
		Requests: get(r, "requests", newInteger[int]), Burst: get(r, "burst", newInteger[int]), Rate: get(r, "rate", newFloat),
	}, r.err
}

func newFallback(term any) (*backend, error) {
	if term == key("nil") {
		return nil, nil
	}
	v, err := newBackend(term)
	return &v, err
}

func newBackend(term any) (backend, error) {
	r := newReader(term)
	return backend{
		Host: get(r, "host", newString), Port: get(r, "port", newInteger[uint16]), Weight: get(r, "weight", newInteger[int]),
		Secure: get(r, "secure", newBool), Weights: get(r, "weights", listFrom(newInteger[int])),
	}, r.err
}
