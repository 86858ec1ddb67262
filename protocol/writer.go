package protocol

import (
	"context"
	"errors"
	"io"
	"sync"
)

const (
	// batchSize is where a packet under way is closed and the next one begun.
	batchSize = 64 << 10
	// linkSize is the size from which a message becomes a packet of its own, whose
	// bytes are written where they are instead of copied.
	linkSize = 16 << 10
	// highWater is how many bytes may wait before senders are held back.
	highWater = 4 << 20
	// maxWaiting is how many bytes may wait in all. Past it, answers that nobody
	// waits for are counted instead of kept.
	maxWaiting = 64 << 20
)

// ErrWriterClosed is returned once the output is gone: closed, or broken by a
// failed write. [Writer.Err] tells why.
var ErrWriterClosed = errors.New("protocol: output is closed")

// Writer is the one way out. Messages queued while a write is under way leave
// together in the next packet; a message queued while the writer is idle is
// written at once, by the goroutine that queued it. It never waits for a batch
// to fill.
//
// All methods may be called concurrently.
type Writer struct {
	out   io.Writer
	parts Parts // out, if it takes several parts in one write

	mu       sync.Mutex
	codec    Codec
	queue    []packet // the last one may still grow
	spare    []packet // the room of one that has been written
	waiting  int      // bytes queued and not yet written
	window   window
	flushing bool
	err      error         // why nothing more can be written
	idle     chan struct{} // closed when the queue has been written; nil when nobody waits
	broken   chan struct{} // closed with err
	dropped  int           // answers counted instead of kept
	sent     Sent
}

// Sent counts what a writer has done.
type Sent struct {
	Messages int64 // messages queued
	Packets  int64 // packets written
	Bytes    int64 // bytes written, headers included
	Dropped  int64 // answers not kept because the client does not read
}

// Source makes its message when its turn to be written has come, of all it has
// by then. Take returns nil when there is nothing, and how many of the bytes that
// were reserved it gives back. It is called by whoever flushes and must not block.
type Source interface {
	Take() (o *Outgoing, reserved int)
}

// packet is an encoded packet that may still grow: headroom, then messages; or
// the place of a source in the queue.
type packet struct {
	out    *Outgoing
	source Source
	codec  Codec
	count  int
	sealed bool

	framed bool      // its writing has begun
	rest   [3][]byte // what is still to be written then
	size   int       // bytes in all, with the header
	cost   int       // what it takes of the bytes that may wait
}

// NewWriter returns a writer of packets to out.
func NewWriter(out io.Writer) *Writer {
	parts, _ := out.(Parts)
	return &Writer{out: out, parts: parts, broken: make(chan struct{})}
}

// SetCodec says how packets are framed from now on. It is called before the
// first message in that codec is queued.
func (w *Writer) SetCodec(c Codec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.codec != c {
		w.seal()
	}
	w.codec = c
}

// Queue adds a message without waiting and without writing; it is followed by
// [Writer.Flush] or [Writer.FlushSoon]. Messages leave in the order they were
// queued.
func (w *Writer) Queue(o *Outgoing) { w.QueueReserved(o, 0) }

// QueueReserved is Queue for a message that bytes were reserved for, which are
// given back.
func (w *Writer) QueueReserved(o *Outgoing, reserved int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.add(o)
	w.window.reserved -= reserved
	w.grant()
}

// QueueSource keeps a place in the queue for what s has when it is reached.
func (w *Writer) QueueSource(s Source) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.queue = append(w.queue, packet{source: s, sealed: true})
	}
}

// Answer queues a message that no task waits for: a pong, a fault, a refusal.
// It is bounded: when 64 MiB wait for a client that does not read, answers are
// counted, and one fault tells how many there were when it reads again.
func (w *Writer) Answer(o *Outgoing) { w.answer(o, maxWaiting) }

// AnswerPing is Answer for a pong, for which there is room when there is none for
// other answers: a client that reads slowly is not to take the worker for dead.
func (w *Writer) AnswerPing(o *Outgoing) { w.answer(o, maxWaiting+highWater) }

func (w *Writer) answer(o *Outgoing, most int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting >= most {
		w.dropped++
		w.sent.Dropped++
		o.release()
		return
	}
	w.add(o)
}

// add appends o to the queue; w.mu is held.
func (w *Writer) add(o *Outgoing) {
	if w.err != nil {
		o.Discard()
		return
	}
	w.sent.Messages++
	w.waiting += o.Cost()
	last := len(w.queue) - 1
	// What was lent to it may be in use by messages before it, and is given back when it is written itself.
	if o.alone || o.body != nil || o.loan.memory != nil || o.Size() >= linkSize {
		w.seal()
		w.queue = append(w.queue, packet{out: o, codec: w.codec, count: 1, sealed: true})
		return
	}
	if last < 0 || w.queue[last].sealed {
		w.queue = append(w.queue, packet{out: o, codec: w.codec, count: 1})
		return
	}
	p := &w.queue[last]
	p.out.buf = append(p.out.buf, o.buf[headroom:]...)
	p.count++
	p.sealed = p.out.Size() >= batchSize
	o.release()
}

// seal keeps the last packet from growing; w.mu is held.
func (w *Writer) seal() {
	if last := len(w.queue) - 1; last >= 0 {
		w.queue[last].sealed = true
	}
}

// fail makes err the reason why nothing more is written; w.mu is held.
func (w *Writer) fail(err error) {
	if w.err != nil {
		return
	}
	w.err = err
	w.queue = nil
	w.waiting = 0
	close(w.broken)
}

// Wait returns when everything queued has been written, when the output has
// broken, or when ctx is done.
func (w *Writer) Wait(ctx context.Context) error {
	w.FlushSoon()
	w.mu.Lock()
	if w.err != nil {
		w.mu.Unlock()
		return ErrWriterClosed
	}
	if !w.flushing && len(w.queue) == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		if w.Err() != nil { // what was queued is gone, not written
			return ErrWriterClosed
		}
		return nil
	case <-w.broken:
		return ErrWriterClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close makes every later message vanish and lets go of those that wait for
// room. It does not close the underlying writer.
func (w *Writer) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fail(ErrWriterClosed)
}

// Broken is closed when nothing more can be written.
func (w *Writer) Broken() <-chan struct{} { return w.broken }

// Err returns why nothing more can be written, or nil.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Sent returns the counters.
func (w *Writer) Sent() Sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent
}
