// Package recording keeps a conversation between a client and a worker in a file, and has it again with
// another worker.
//
// A recording is a stream of packets like the wire's own: four bytes of length, and a term in the External Term
// Format. The first says what it is, and one for each thing that happened follows, in that order:
//
//	{portworker_recording, 1, #{started => Microseconds, command => [Binary]}}
//	{client, Time, Packet}       a packet from the client, a binary
//	{worker, Time, Packet}       a packet from the worker
//	{client_closed, Time}        the end of the client's output
//	{worker_closed, Time}        the end of the worker's output
//	{signal, Time, Number}       a signal that was passed on to the worker
//	{exit, Time, Status}         the end of the worker
//
// Times are microseconds since the start, which is one since 1970. A packet is kept before it is passed on. So
// whatever it brings about comes after it, and each packet of the client follows all that it was an
// answer to.
package recording

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"portworker/etf"
	"portworker/internal/wire"
	"portworker/protocol"
)

const (
	magic   = "portworker_recording"
	version = 1
)

// What can happen, by its tag in the file.
const (
	fromClient   = "client"
	fromWorker   = "worker"
	clientClosed = "client_closed"
	workerClosed = "worker_closed"
	signalled    = "signal"
	exited       = "exit"
)

// An event is one thing that happened.
type event struct {
	kind   string
	at     time.Duration // since the start
	packet []byte        // of a client or a worker
	number int           // of a signal, or the exit status
	offset int64         // in the file, in bytes
}

// A writer writes a recording, each event in one write, so that a file that is cut short lacks
// its end and nothing else. It is safe for concurrent use.
type writer struct {
	mu      sync.Mutex
	out     io.Writer
	started time.Time
	failed  error
}

func newWriter(out io.Writer, command []string) (*writer, error) {
	w := &writer{out: out, started: time.Now()}
	w.write(etf.Tuple{etf.Atom(magic), version, etf.Map{
		{Key: etf.Atom("started"), Value: w.started.UnixMicro()},
		{Key: etf.Atom("command"), Value: command},
	}})
	return w, w.failed
}

// add writes an event that happens now; what is its packet or its number, or nil. After an error nothing more
// is written; the first such call returns it.
func (w *writer) add(kind string, what any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return nil
	}
	term := etf.Tuple{etf.Atom(kind), time.Since(w.started).Microseconds()}
	if what != nil {
		term = append(term, what)
	}
	w.write(term)
	return w.failed
}

func (w *writer) write(term etf.Tuple) {
	var packet []byte
	if packet, w.failed = etf.Append([]byte{etf.Version}, term); w.failed == nil {
		_, w.failed = w.out.Write(wire.Frame(packet))
	}
}

// read reads the events of a recording. A last one that is cut short is left out: whoever wrote it
// was ended.
func read(in io.Reader) ([]event, error) {
	packets := protocol.NewPacketReader(in, wire.MaxPacket)
	first, err := packets.Next()
	if err != nil || !IsHeader(first) {
		return nil, errors.New("expected a recording, which begins with {portworker_recording, 1, _}")
	}
	var events []event
	offset := int64(wire.HeaderSize + len(first))
	for {
		packet, err := packets.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return events, nil
		}
		var e event
		if err == nil {
			e, err = parseEvent(packet)
		}
		if err != nil {
			return nil, fmt.Errorf("record %d, at byte %d: %w", len(events)+1, offset, err)
		}
		e.offset = offset
		offset += int64(wire.HeaderSize + len(packet))
		events = append(events, e)
	}
}

// IsHeader says whether a packet is the first of a recording.
func IsHeader(packet []byte) bool {
	var header etf.Tuple
	err := etf.Unmarshal(packet, &header)
	return err == nil && len(header) == 3 && header[0] == etf.Atom(magic) && header[1] == int64(version)
}

func parseEvent(packet []byte) (event, error) {
	messages, err := wire.Split(packet)
	if err != nil {
		return event{}, err
	}
	if len(messages) != 1 {
		return event{}, fmt.Errorf("%d terms: expected one event", len(messages))
	}
	m := messages[0]
	e := event{kind: m.Tag}
	if len(m.Parts) == 0 {
		return event{}, fmt.Errorf("%s: expected a time", m.Term())
	}
	us, _, ok := etf.ReadInt(m.Parts[0])
	e.at = time.Duration(us) * time.Microsecond
	switch {
	case m.Tag == fromClient || m.Tag == fromWorker:
		if len(m.Parts) == 2 && ok {
			e.packet, _, ok = etf.ReadBinary(m.Parts[1])
		}
	case m.Tag == signalled || m.Tag == exited:
		var n int64
		if len(m.Parts) == 2 && ok {
			n, _, ok = etf.ReadInt(m.Parts[1])
			e.number = int(n)
		}
	}
	if !ok {
		return event{}, fmt.Errorf("%s is no event of a recording", m.Term())
	}
	return e, nil
}
