package recording

import (
	"bytes"
	"fmt"
	"time"

	"portworker/etf"
	"portworker/internal/wire"
)

// arrive compares a packet of the worker's with what was recorded.
func (p *player) arrive(packet []byte) error {
	messages, err := wire.Split(packet)
	if err != nil {
		return p.difference(p.at, "what the worker says is no message: "+err.Error())
	}
	for _, m := range messages {
		for _, r := range p.remarks(m) {
			if err := p.compare(r); err != nil {
				return err
			}
		}
		p.acking = p.acking || p.window && m.Tag == "hello"
	}
	if p.acking {
		ack := wire.Message{Tag: "ack", Parts: []etf.Raw{etf.AppendInt(nil, int64(len(packet)))}}
		if packet, err := wire.Join([]wire.Message{ack}, wire.IsMessagePack(packet)); err == nil {
			_, _ = p.in.Write(wire.Frame(packet))
		}
	}
	return nil
}

// compare holds a remark against the one that was recorded in its place.
func (p *player) compare(r remark) error {
	n := p.got[r.topic]
	p.got[r.topic] += r.count
	of := task{r.topic.ref, r.topic.turn}
	if r.topic.tag == "result" {
		p.over[of] = true
	}
	if r.topic.tag == "credit" {
		return nil
	}
	track := p.tracks[r.topic]
	if track == nil || n >= len(track.remarks) {
		_, recorded := p.reasons[of]
		if p.loose(r.topic) || !p.whole && !recorded {
			return nil
		}
		d := p.difference(p.at, r.topic.String()+" that was not recorded")
		d.Replayed = r.full
		return d
	}
	was := track.remarks[n]
	if r.callback != "" {
		p.callbacks[was.callback] = r.callback
	}
	if !equal(was.term, r.term) {
		d := p.difference(track.records[n], r.topic.String())
		d.Recorded, d.Replayed = was.full, r.full
		return d
	}
	if r.topic.tag == "result" && !p.loose(topic{tag: "data", ref: of.ref, turn: of.turn}) {
		return p.complete(of)
	}
	return nil
}

// complete says what a task that has ended did not say.
func (p *player) complete(of task) error {
	for _, tag := range []string{"data", "progress"} {
		t := topic{tag: tag, ref: of.ref, turn: of.turn}
		if track := p.tracks[t]; track != nil && p.got[t] < track.count {
			return p.missing(t, "the task has ended: expected")
		}
	}
	return nil
}

// awaitEnd waits for the end of a worker whose end was recorded.
func (p *player) awaitEnd() error {
	for {
		timer := time.NewTimer(p.silence)
		select {
		case a := <-p.arrivals:
			timer.Stop()
			if a.err != nil {
				return nil
			}
			if err := p.arrive(a.packet); err != nil {
				return err
			}
		case <-timer.C:
			return p.difference(p.at, "the worker goes on: expected its end")
		}
	}
}

// compareExit compares the exit status with the one that was recorded.
func (p *player) compareExit(status int) error {
	if !p.whole {
		return nil
	}
	for i, e := range p.events {
		if e.kind == exited && e.number != status {
			return p.difference(i, fmt.Sprintf("the worker ended with status %d: expected %d", status, e.number))
		}
	}
	return nil
}

// equal compares terms; the order of a map's keys means nothing.
func equal(a, b etf.Raw) bool {
	return bytes.Equal(a, b) || a != nil && b != nil && bytes.Equal(canonical(nil, a), canonical(nil, b))
}
