package protocol

import (
	"context"
	"encoding/binary"
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
	// flushRounds is how many writes a goroutine does for others before it hands
	// the flushing on.
	flushRounds = 16
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
	out io.Writer

	mu       sync.Mutex
	codec    Codec
	queue    []packet // the last one may still grow
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
}

// NewWriter returns a writer of packets to out.
func NewWriter(out io.Writer) *Writer {
	return &Writer{out: out, broken: make(chan struct{})}
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
		o.release()
		return
	}
	w.sent.Messages++
	w.waiting += o.Cost()
	last := len(w.queue) - 1
	if o.alone || o.body != nil || o.Size() >= linkSize {
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

// Flush writes what is queued, unless another goroutine is doing so, which
// then writes this as well. It may block for as long as the client does not
// read.
func (w *Writer) Flush() {
	w.mu.Lock()
	if w.flushing || len(w.queue) == 0 {
		w.mu.Unlock()
		return
	}
	w.flushing = true
	w.flush(flushRounds)
}

// FlushSoon is Flush for a goroutine that must not block: the writing is left
// to another.
func (w *Writer) FlushSoon() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handOver()
}

// handOver leaves the flushing to a goroutine that lives until the queue is
// empty; w.mu is held.
func (w *Writer) handOver() {
	if w.flushing || len(w.queue) == 0 {
		return
	}
	w.flushing = true
	go func() {
		w.mu.Lock()
		w.flush(-1)
	}()
}

// flush writes queued packets until there are none, or for a number of rounds
// when rounds is positive. It is entered with w.mu held and flushing set, and
// leaves with w.mu released.
func (w *Writer) flush(rounds int) {
	for len(w.queue) > 0 && w.err == nil && rounds != 0 {
		batch := w.queue
		w.queue = nil
		rounds--
		w.mu.Unlock()
		err := w.write(batch)
		w.mu.Lock()
		if err != nil {
			w.fail(err)
		}
	}
	w.flushing = false
	if w.err == nil && len(w.queue) > 0 {
		w.handOver()
	}
	if len(w.queue) == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
	w.mu.Unlock()
}

// write writes packets one by one and accounts for them.
func (w *Writer) write(batch []packet) error {
	for i := range batch {
		if batch[i].source != nil && !w.draw(&batch[i]) {
			continue
		}
		cost := batch[i].out.Size() + batch[i].count*packing
		frame := frame(&batch[i])
		o := batch[i].out
		bytes := len(frame) + len(o.body) + len(o.tail)
		w.writing(bytes)
		for _, part := range [][]byte{frame, o.body, o.tail} {
			if len(part) == 0 {
				continue
			}
			if _, err := w.out.Write(part); err != nil {
				return err
			}
		}
		w.wrote(cost, bytes)
		o.release()
	}
	return nil
}

// draw makes a source's message, and reports whether there is one.
func (w *Writer) draw(p *packet) bool {
	o, reserved := p.source.Take()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.window.reserved -= reserved
	if o == nil {
		w.grant()
		return false
	}
	p.out, p.codec, p.count = o, w.codec, 1
	w.sent.Messages++
	w.waiting += o.Cost()
	return true
}

// frame puts the headers before a packet's messages and returns the bytes to
// write.
func frame(p *packet) []byte {
	buf, start := p.out.buf, headroom
	switch {
	case p.codec == MessagePack && p.count > 1:
		start -= 5
		buf[start] = msgpackArray32
		binary.BigEndian.PutUint32(buf[start+1:], uint32(p.count))
	case p.codec == MessagePack:
	case p.count > 1:
		start -= 6
		buf[start], buf[start+1] = etfVersion, etfList
		binary.BigEndian.PutUint32(buf[start+2:], uint32(p.count))
		buf = append(buf, etfNil)
	default:
		start--
		buf[start] = etfVersion
	}
	p.out.buf = buf
	size := len(buf) - start + len(p.out.body) + len(p.out.tail)
	start -= headerSize
	binary.BigEndian.PutUint32(buf[start:], uint32(size))
	return buf[start:]
}

// The bytes with which the writer frames a batch.
const (
	etfVersion     = 131
	etfList        = 108
	etfNil         = 106
	msgpackArray32 = 0xdd
)

// writing counts a packet as unacknowledged. That is before it is written, because
// the client may acknowledge it before the write returns.
func (w *Writer) writing(bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.window.unacked += bytes - headerSize
}

// wrote accounts for a packet that was written and lets waiting senders go on.
func (w *Writer) wrote(messages, bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting -= messages
	w.sent.Packets++
	w.sent.Bytes += int64(bytes)
	w.grant()
	if w.dropped > 0 && w.waiting < highWater {
		n := w.dropped
		w.dropped = 0
		w.add(w.codec.Fault(nil, droppedError(n)))
	}
}

func droppedError(n int) *Error {
	return &Error{
		Reason:  Overloaded,
		Message: "answers were dropped because the client did not read: expected it to read while it writes",
		Details: map[string]int{"dropped": n},
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
