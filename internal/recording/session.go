package recording

import (
	"io"
	"slices"
	"time"

	"portworker/etf"
	"portworker/internal/wire"
)

// A task is one call: its ref, and how many of that ref have ended before.
type task struct {
	ref  string
	turn int
}

// A need is how far a topic must have come.
type need struct {
	topic topic
	count int
}

// A step is one thing that the client did, and what it had heard by then.
type step struct {
	event
	record   int // where in the recording
	needs    []need
	gap      time.Duration  // the longest that nothing happened since the step before
	messages []wire.Message // nil where the packet holds none
}

// A track is what was said on a topic, in order.
type track struct {
	remarks []remark
	records []int // where in the recording each was said
	count   int
}

// A session is a recording made ready to be had again.
type session struct {
	events  []event
	steps   []step
	rest    step // what the worker said after the client's last step
	tracks  map[topic]*track
	names   map[task]string // functions
	reasons map[task]string // of tasks that have ended: "" for a value
	whole   bool            // the recording has the worker's end
	window  bool            // the client bounded the worker's output
	said    int             // messages of both sides
}

// load reads a session.
func load(in io.Reader, ignore []string) (*session, error) {
	events, err := read(in)
	if err != nil {
		return nil, err
	}
	s := &session{
		events: events, tracks: map[topic]*track{}, names: map[task]string{}, reasons: map[task]string{},
		whole: isWhole(events),
	}
	listener := newListener(s.ignores(ignore))
	cancels := map[int][]task{} // by step
	var next step
	var last time.Duration
	for i, e := range events {
		next.gap, last = max(next.gap, e.at-last), e.at
		next.event, next.record = e, i
		switch e.kind {
		case fromWorker:
			next.needs = append(next.needs, s.hear(listener, e, i)...)
		case fromClient:
			next.messages, _ = wire.Split(e.packet)
			cancels[len(s.steps)] = s.note(listener, next.messages)
			fallthrough
		case clientClosed, signalled:
			s.steps = append(s.steps, next)
			next = step{}
		}
	}
	s.rest = next
	for i, tasks := range cancels {
		s.delay(&s.steps[i], tasks)
	}
	return s, nil
}

// isWhole says whether the worker ended as it was told to, and not by force.
func isWhole(events []event) bool {
	closed, passed := false, false
	for _, e := range events {
		passed = passed || e.kind == signalled
		closed = closed || e.kind == workerClosed
		if e.kind == exited && e.number > 128 && !passed {
			return false
		}
	}
	return closed
}

// ownFunctions answer differently each time.
var ownFunctions = []string{"$stats", "$history", "$stacks", "$profile"}

func (s *session) ignores(names []string) func(ref string, turn int) bool {
	return func(ref string, turn int) bool {
		name, called := s.names[task{ref, turn}]
		return called && (slices.Contains(names, name) || slices.Contains(ownFunctions, name))
	}
}

// hear takes down what a packet of the worker says.
func (s *session) hear(l *listener, e event, at int) (heard []need) {
	messages, err := wire.Split(e.packet)
	if err != nil {
		return nil
	}
	s.said += len(messages)
	for _, m := range messages {
		for _, r := range l.remarks(m) {
			t := s.tracks[r.topic]
			if t == nil {
				t = &track{}
				s.tracks[r.topic] = t
			}
			t.remarks, t.records = append(t.remarks, r), append(t.records, at)
			t.count += r.count
			heard = append(heard, need{r.topic, t.count})
			if r.topic.tag == "result" {
				s.reasons[task{r.topic.ref, r.topic.turn}] = reasonOf(r.full)
			}
		}
	}
	return heard
}

// note takes down what the client calls, and returns what it cancels.
func (s *session) note(l *listener, messages []wire.Message) (cancelled []task) {
	s.said += len(messages)
	for _, m := range messages {
		if len(m.Parts) == 0 {
			continue
		}
		of := task{string(m.Parts[0]), l.ended[string(m.Parts[0])]}
		switch m.Tag {
		case "call":
			if _, live := s.names[of]; !live && len(m.Parts) > 1 {
				s.names[of], _ = text(m.Parts[1])
			}
		case "cancel":
			cancelled = append(cancelled, of)
		case "hello":
			s.window = s.window || hasWindow(m.Parts[0])
		}
	}
	return cancelled
}

func hasWindow(hello etf.Raw) bool {
	var fields etf.Map
	if etf.Decode(hello, &fields) != nil {
		return false
	}
	for _, pair := range fields {
		if pair.Key == etf.Atom("window") || pair.Key == "window" {
			n, ok := pair.Value.(int64)
			return ok && n > 0
		}
	}
	return false
}

// delay lets a step that cancels tasks wait for those that the cancellation met too late: they have to
// be over before it this time, too.
func (s *session) delay(st *step, cancelled []task) {
	for _, t := range cancelled {
		if reason, ended := s.reasons[t]; ended && !slices.Contains(stopped, reason) {
			st.needs = append(st.needs, need{topic{tag: "result", ref: t.ref, turn: t.turn}, 1})
		}
	}
}

// loose says whether it depends on the moment how far a topic comes: that of a task that was stopped.
func (s *session) loose(t topic) bool {
	if t.tag == "credit" {
		return true
	}
	reason, ended := s.reasons[task{t.ref, t.turn}]
	if t.tag == "result" || t.tag == "pong" || t.tag == "hello" {
		return false
	}
	return ended && slices.Contains(stopped, reason)
}
