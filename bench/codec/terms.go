package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/okeuday/erlang_go/v2/erlang"
	"github.com/vmihailenco/msgpack/v5"

	"portworker/etf"
)

// A request is a small map, as a call would have it for an argument.
type request struct {
	Method    string `json:"method" msgpack:"method"`
	Path      string `json:"path" msgpack:"path"`
	UserID    int64  `json:"user_id" msgpack:"user_id"`
	Retries   int    `json:"retries" msgpack:"retries"`
	TimeoutMS int    `json:"timeout_ms" msgpack:"timeout_ms"`
	Trace     string `json:"trace" msgpack:"trace"`
	Urgent    bool   `json:"urgent" msgpack:"urgent"`
}

// An item is one of a list of maps.
type item struct {
	ID       int64   `json:"id" msgpack:"id"`
	Name     string  `json:"name" msgpack:"name"`
	Price    float64 `json:"price" msgpack:"price"`
	Quantity int     `json:"quantity" msgpack:"quantity"`
	Active   bool    `json:"active" msgpack:"active"`
	Shelf    int     `json:"shelf" msgpack:"shelf"`
}

// A config nests structs, lists and a pointer. It has no map with strings as keys, which
// erlang_go does not decode, and no list of bytes, which that makes a string.
type config struct {
	Name     string    `json:"name" msgpack:"name"`
	Version  int       `json:"version" msgpack:"version"`
	Features []string  `json:"features" msgpack:"features"`
	Limits   limits    `json:"limits" msgpack:"limits"`
	Backends []backend `json:"backends" msgpack:"backends"`
	Fallback *backend  `json:"fallback" msgpack:"fallback"`
}

type limits struct {
	Requests int     `json:"requests" msgpack:"requests"`
	Burst    int     `json:"burst" msgpack:"burst"`
	Rate     float64 `json:"rate" msgpack:"rate"`
}

type backend struct {
	Host    string `json:"host" msgpack:"host"`
	Port    uint16 `json:"port" msgpack:"port"`
	Weight  int    `json:"weight" msgpack:"weight"`
	Secure  bool   `json:"secure" msgpack:"secure"`
	Weights []int  `json:"weights" msgpack:"weights"`
}

// A subject is a named value with all that encodes and decodes it. Everything that decodes ends with the same Go
// value, and everything that encodes begins with it; the dynamic forms, which have no type to go by, aside.
type subject struct {
	name string
	term []byte // with the version byte
	// smallMaps says that the term is made of maps of small terms, for which the scan has a goal.
	smallMaps bool
	contests  []contest
}

// subjects returns the fixed set of terms.
func subjects() ([]*subject, error) {
	requests := request{
		Method: "GET", Path: "/api/v1/users/42/orders", UserID: 81234567, Retries: 3, TimeoutMS: 5000,
		Trace: "4bf92f3577b34da6a3ce929d0e0e4736", Urgent: true,
	}
	items := make([]item, 100)
	for i := range items {
		items[i] = item{int64(1000 + i), fmt.Sprintf("item %d", i), float64(i) * 1.25, i % 7, i%3 == 0, i * 11}
	}
	integers := make([]int64, 1000)
	for i := range integers {
		integers[i] = int64(i * i * 37)
	}
	floats := make([]float64, 1000)
	for i := range floats {
		floats[i] = math.Sqrt(float64(i)) * 1e3
	}
	blob := make([]byte, 64<<10)
	for i := range blob {
		blob[i] = byte(i * 7)
	}
	texts, settings := newTexts(), newConfig()
	var made []*subject
	var err error
	add := func(s *subject, problem error) {
		made = append(made, s)
		if err == nil && problem != nil {
			err = fmt.Errorf("%s: %w", s.name, problem)
		}
	}
	add(subjectOf("request map", &requests, foreign[request]{oldRequest, newRequest}))
	add(subjectOf("100 maps", &items, foreign[[]item]{listTo(oldItem), listFrom(newItem)}))
	add(subjectOf("1,000 integers", &integers, foreign[[]int64]{listTo(oldInt64), listFrom(newInteger[int64])}))
	add(subjectOf("1,000 floats", &floats, foreign[[]float64]{listTo(oldFloat), listFrom(newFloat)}))
	add(subjectOf("nested config", &settings, foreign[config]{oldConfig, newConfigFrom}))
	add(subjectOf("100 strings", &texts, foreign[[]string]{listTo(oldString), listFrom(newString)}))
	add(subjectOf("64 KiB binary", &blob, foreign[[]byte]{oldBytes, newBytes}))
	made[0].smallMaps, made[1].smallMaps = true, true
	made[len(made)-1].addFloor(blob)
	return made, err
}

// addFloor puts beside what decodes and encodes a binary the copy that all of them make at least.
func (s *subject) addFloor(blob []byte) {
	for i := range s.contests {
		if c := &s.contests[i]; c.op != scan {
			c.entries = append(c.entries, entry{oneCopy, func() (any, error) { copied := bytes.Clone(blob); return &copied, nil }})
		}
	}
}

func newTexts() []string {
	words := []string{"straße", "naïve café", "日本語のテキスト", "plain ASCII of some length", "🚀 launch", "Ελληνικά", ""}
	texts := make([]string, 100)
	for i := range texts {
		texts[i] = fmt.Sprintf("%s %d", words[i%len(words)], i)
	}
	return texts
}

func newConfig() config {
	made := config{
		Name: "edge proxy", Version: 12, Features: []string{"tls", "http2", "metrics", "tracing"},
		Limits:   limits{Requests: 10000, Burst: 300, Rate: 99.5},
		Fallback: &backend{Host: "10.0.0.99", Port: 8443, Weight: 1, Secure: true, Weights: []int{256}},
	}
	for i := range 8 {
		made.Backends = append(made.Backends, backend{
			Host: fmt.Sprintf("10.0.0.%d", i), Port: uint16(8000 + i), Weight: 10 * i, Secure: i%2 == 0,
			Weights: []int{256 + i, 1000 * i, 100000 * i},
		})
	}
	return made
}

// subjectOf lists what works on a value. Each function does one whole operation, allocation of its result included.
func subjectOf[T any](name string, value *T, old foreign[T]) (*subject, error) {
	s := &subject{name: name}
	var err error
	if s.term, err = etf.Marshal(value); err != nil {
		return s, err
	}
	packed, err := msgpack.Marshal(value)
	if err != nil {
		return s, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return s, err
	}
	var dynamic any
	if err := etf.Unmarshal(s.term, &dynamic); err != nil {
		return s, err
	}
	buffer := make([]byte, 0, 2*len(s.term))
	s.contests = []contest{
		{scan, []entry{{etfTyped, func() (any, error) { return nil, onlyScan(s.term[1:]) }}}},
		{decode, []entry{
			{etfTyped, func() (any, error) { return into(new(T), func(v *T) error { return etf.Unmarshal(s.term, v) }) }},
			{etfWorker, func() (any, error) { return into(new(T), func(v *T) error { return parseAndDecode(s.term, v) }) }},
			{etfDynamic, func() (any, error) { return into(new(any), func(v *any) error { return etf.Unmarshal(s.term, v) }) }},
			{erlangGo, func() (any, error) { return into(new(T), func(v *T) error { return old.decode(s.term, v) }) }},
			{erlangGoRaw, func() (any, error) { return erlang.BinaryToTerm(s.term) }},
			{messagePack, func() (any, error) { return into(new(T), func(v *T) error { return msgpack.Unmarshal(packed, v) }) }},
			{standardJSON, func() (any, error) { return into(new(T), func(v *T) error { return json.Unmarshal(text, v) }) }},
		}},
		{encode, []entry{
			{etfTyped, func() (any, error) { return etf.Marshal(value) }},
			{etfWorker, func() (any, error) { return etf.Append(append(buffer[:0], etf.Version), value) }},
			{etfDynamic, func() (any, error) { return etf.Marshal(dynamic) }},
			{erlangGo, func() (any, error) { return erlang.TermToBinary(old.to(*value), -1) }},
			{messagePack, func() (any, error) { return msgpack.Marshal(value) }},
			{standardJSON, func() (any, error) { return json.Marshal(value) }},
		}},
	}
	return s, nil
}

func into[T any](v *T, decode func(*T) error) (any, error) { return v, decode(v) }

func onlyScan(body []byte) error {
	_, err := etf.Limits{}.Scan(body)
	return err
}

func parseAndDecode(data []byte, v any) error {
	term, err := etf.Limits{}.Parse(data)
	if err != nil {
		return err
	}
	return etf.Decode(term, v)
}
