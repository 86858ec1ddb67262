package recording

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"portworker/etf"
	"portworker/internal/wire"
	"portworker/protocol"
)

// A player plays the client's part of a session.
type player struct {
	*session
	*listener
	in        io.WriteCloser
	process   *os.Process
	patience  time.Duration
	arrivals  chan arrival
	got       map[topic]int
	over      map[task]bool     // tasks that have ended
	callbacks map[string]string // the worker's refs now, by those that were recorded
	acking    bool
	at        int           // the record that is being played
	silence   time.Duration // that is borne until then
}

// read hands packets over until the worker's output ends. Once it is stopped, it throws them away.
func (p *player) read(output io.Reader, stop <-chan struct{}) {
	defer close(p.arrivals)
	packets := protocol.NewPacketReader(output, wire.MaxPacket)
	for {
		packet, err := packets.Next()
		select {
		case p.arrivals <- arrival{packet, err}:
		case <-stop:
		}
		if err != nil {
			return
		}
	}
}

// play does what the client did, each time after the worker has said what it had said by then.
func (p *player) play() error {
	for _, s := range p.steps {
		if err := p.await(s); err != nil {
			return err
		}
		p.do(s)
	}
	if err := p.await(p.rest); err != nil || !p.whole {
		return err
	}
	return p.awaitEnd()
}

// await takes what the worker says until it has said what it had said before a step.
func (p *player) await(s step) error {
	p.at, p.silence = s.record, p.patience+s.gap
	for _, n := range s.needs {
		for !p.satisfied(n) {
			if err := p.next(n.topic); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *player) do(s step) {
	switch s.kind {
	case clientClosed:
		_ = p.in.Close()
	case signalled:
		_ = p.process.Signal(syscall.Signal(s.number))
	default:
		// A worker that does not read any longer shows in what it does not say.
		if packet := p.rewritten(s); packet != nil {
			_, _ = p.in.Write(wire.Frame(packet))
		}
	}
}

// rewritten is a step's packet with the worker's own refs of callbacks as they are now, and without
// acknowledgements, which count bytes that may differ. It is nil where nothing is left.
func (p *player) rewritten(s step) []byte {
	var messages []wire.Message
	changed := false
	for _, m := range s.messages {
		if m.Tag == "ack" && p.window {
			changed = true
			continue
		}
		if m.Tag == "reply" && len(m.Parts) == 2 {
			if ref, known := p.callbacks[string(m.Parts[0])]; known {
				m.Parts = []etf.Raw{etf.Raw(ref), m.Parts[1]}
				changed = true
			}
		}
		messages = append(messages, m)
	}
	if !changed {
		return s.packet
	}
	if len(messages) == 0 {
		return nil
	}
	packet, err := wire.Join(messages, wire.IsMessagePack(s.packet))
	if err != nil {
		return s.packet
	}
	return packet
}

func (p *player) satisfied(n need) bool {
	return p.got[n.topic] >= n.count || p.loose(n.topic) && p.over[task{n.topic.ref, n.topic.turn}]
}

// next takes the next packet of the worker's, where something on a topic is expected.
func (p *player) next(expected topic) error {
	timer := time.NewTimer(p.silence)
	defer timer.Stop()
	select {
	case a := <-p.arrivals:
		if a.err != nil {
			return p.missing(expected, "the worker has ended: expected")
		}
		return p.arrive(a.packet)
	case <-timer.C:
		return p.missing(expected, fmt.Sprintf("the worker has said nothing for %v: expected", p.silence))
	}
}

// missing is a difference: what was recorded next on a topic has not come.
func (p *player) missing(t topic, problem string) error {
	d := p.difference(p.at, problem+" more "+t.String())
	if track := p.tracks[t]; track != nil {
		if n := p.got[t]; n < len(track.remarks) {
			d = p.difference(track.records[n], problem+" "+t.String())
			d.Recorded = track.remarks[n].full
		}
	}
	return d
}

func (p *player) difference(record int, problem string) *Difference {
	d := &Difference{Record: record + 1, Problem: problem}
	if record >= 0 && record < len(p.events) {
		d.Time, d.Offset = p.events[record].at, p.events[record].offset
	}
	return d
}
