package recording

import (
	"fmt"
	"strings"

	"portworker/etf"
	"portworker/internal/termtext"
	"portworker/internal/wire"
)

// A topic is what a worker says in an order of its own: the elements of one task, say. Messages of
// different topics come in any order.
type topic struct {
	tag  string
	ref  string // of the task, or what else tells topics of a tag apart
	turn int    // how many tasks of that ref have ended before
}

// String names the topic for people.
func (t topic) String() string {
	t.tag, _, _ = strings.Cut(t.tag, " ")
	if t.ref == "" {
		return t.tag
	}
	text := termtext.Elixir.Text(etf.Raw(t.ref))
	if t.turn > 0 {
		return fmt.Sprintf("%s of task %s, number %d with that ref", t.tag, text, t.turn+1)
	}
	return fmt.Sprintf("%s of task %s", t.tag, text)
}

// A remark is one thing said on a topic, in a form in which equal ones are equal.
type remark struct {
	topic topic
	term  etf.Raw // as it is compared; nil for what is only counted
	full  etf.Raw // as it came
	count int     // how much it counts
	// callback is the worker's own ref of one, which differs each time.
	callback string
}

// A listener turns messages of a worker into remarks. It knows which tasks have ended.
type listener struct {
	ended   map[string]int // results by ref
	ignored func(ref string, turn int) bool
}

func newListener(ignored func(ref string, turn int) bool) *listener {
	return &listener{ended: map[string]int{}, ignored: ignored}
}

// remarks returns what a message says. What depends on the moment says nothing: log records, requests to be
// replaced, and inputs of a channel that were not taken.
func (l *listener) remarks(m wire.Message) []remark {
	if len(m.Parts) == 0 {
		return nil
	}
	ref := string(m.Parts[0])
	on := topic{tag: m.Tag, ref: ref, turn: l.ended[ref]}
	one := func(term etf.Raw) []remark { return []remark{{topic: on, term: term, full: term, count: 1}} }
	switch {
	case m.Tag == "data" && len(m.Parts) == 2:
		elements, err := etf.SplitList(m.Parts[1], nil)
		if err != nil {
			return one(m.Parts[1])
		}
		remarks := make([]remark, len(elements))
		for i, element := range elements {
			remarks[i] = remark{topic: on, term: l.unlessIgnored(on, element), full: element, count: 1}
		}
		return remarks
	case m.Tag == "progress" && len(m.Parts) == 2:
		return []remark{{topic: on, term: l.unlessIgnored(on, m.Parts[1]), full: m.Parts[1], count: 1}}
	case m.Tag == "result" && len(m.Parts) == 2:
		l.ended[ref]++
		return []remark{{topic: on, term: l.unlessIgnored(on, outcome(m.Parts[1])), full: m.Parts[1], count: 1}}
	case m.Tag == "credit" && len(m.Parts) == 2:
		n, _, _ := etf.ReadInt(m.Parts[1])
		return []remark{{topic: on, full: m.Parts[1], count: int(n)}}
	case m.Tag == "callback" && len(m.Parts) == 5:
		return []remark{l.callback(m)}
	case m.Tag == "fault" && len(m.Parts) == 2:
		return l.fault(m)
	case m.Tag == "hello":
		return []remark{{topic: topic{tag: m.Tag}, term: introduction(m.Parts[0]), full: m.Parts[0], count: 1}}
	case m.Tag == "pong":
		return []remark{{topic: topic{tag: m.Tag}, term: m.Parts[0], full: m.Parts[0], count: 1}}
	case m.Tag == "notify" && len(m.Parts) == 2:
		return []remark{{topic: topic{tag: m.Tag, ref: ref}, term: m.Parts[1], full: m.Parts[1], count: 1}}
	}
	return nil
}

// unlessIgnored leaves a term of a function out that is not to be compared.
func (l *listener) unlessIgnored(on topic, term etf.Raw) etf.Raw {
	if l.ignored(on.ref, on.turn) {
		return nil
	}
	return term
}

// callback is one topic for each name and arguments, for those of one task may come in any order.
func (l *listener) callback(m wire.Message) remark {
	ref := string(m.Parts[1])
	asked := etf.Tuple{m.Parts[2], m.Parts[3], without(m.Parts[4], "timeout")}
	term, _ := etf.Append(nil, asked)
	return remark{
		topic: topic{tag: "callback " + string(term), ref: ref, turn: l.ended[ref]},
		term:  term, full: term, count: 1, callback: string(m.Parts[0]),
	}
}

// fault leaves out those that tell a channel's client that it was too fast, or too late.
func (l *listener) fault(m wire.Message) []remark {
	ref := string(m.Parts[0])
	reason := field(m.Parts[1], "reason")
	if !isUndefined(m.Parts[0]) && (reason == "overloaded" || reason == "bad_message") {
		return nil
	}
	return []remark{{topic: topic{tag: m.Tag, ref: ref}, term: failure(m.Parts[1]), full: m.Parts[1], count: 1}}
}

func isUndefined(term etf.Raw) bool {
	name, _, ok := etf.ReadAtom(term)
	return ok && (name == "undefined" || name == "nil")
}
