package protocol

import "encoding/binary"

const (
	// flushRounds is how many writes a goroutine does for others before it hands
	// the flushing on.
	flushRounds = 16
	// trySize is how many bytes are tried at most by a goroutine that has better to
	// do. A pipe that is full ends it sooner; to wake another takes longer than to fill one.
	trySize = 4 << 20
)

// Parts is an output that takes a packet in several parts, and can be asked to take
// no more than it can without waiting. A [Writer] makes use of it where its output
// is one.
type Parts interface {
	// WriteParts writes the parts one behind the other: all of them with wait, and
	// else as much as goes at once, which may be nothing. It returns how many bytes it has
	// written. It may change parts, but not what they hold.
	WriteParts(parts [][]byte, wait bool) (n int, err error)
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

// TryFlush is Flush for a goroutine that must not block: it writes what the output
// takes at once, and leaves the rest to another. An output that cannot tell is
// left to another altogether.
func (w *Writer) TryFlush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for range flushRounds {
		if w.flushing || len(w.queue) == 0 {
			return
		}
		if w.parts == nil || w.waiting > trySize {
			break
		}
		w.flushing = true
		batch := w.takeQueue()
		w.mu.Unlock()
		left, err := w.write(batch, false)
		w.mu.Lock()
		if err != nil {
			w.fail(err)
		} else if len(left) > 0 {
			go w.resume(left)
			return
		}
		w.keep(batch)
		w.ended()
	}
	w.handOver()
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
	go w.resume(nil)
}

// resume writes packets that another has left, and then what is queued.
func (w *Writer) resume(left []packet) {
	_, err := w.write(left, true)
	w.mu.Lock()
	if err != nil {
		w.fail(err)
	}
	w.flush(-1)
}

// flush writes queued packets until there are none, or for a number of rounds
// when rounds is positive. It is entered with w.mu held and flushing set, and
// leaves with w.mu released.
func (w *Writer) flush(rounds int) {
	for len(w.queue) > 0 && w.err == nil && rounds != 0 {
		batch := w.takeQueue()
		rounds--
		w.mu.Unlock()
		_, err := w.write(batch, true)
		w.mu.Lock()
		if err != nil {
			w.fail(err)
		}
		w.keep(batch)
	}
	w.ended()
	if w.err == nil {
		w.handOver()
	}
	w.mu.Unlock()
}

// ended takes note that nobody flushes any longer; w.mu is held.
func (w *Writer) ended() {
	w.flushing = false
	if len(w.queue) == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// takeQueue takes all that is queued; w.mu is held.
func (w *Writer) takeQueue() []packet {
	batch := w.queue
	w.queue, w.spare = w.spare, nil
	return batch
}

// keep gives the room of a queue that was written to the next one; w.mu is held.
func (w *Writer) keep(batch []packet) {
	const most = 64
	if cap(batch) <= most {
		clear(batch)
		w.spare = batch[:0]
	}
}

// write writes packets one by one and accounts for them. Where it is not to wait,
// and would have to, it returns those that are left.
func (w *Writer) write(batch []packet, wait bool) (left []packet, err error) {
	for i := range batch {
		p := &batch[i]
		if !p.framed && !w.begin(p) {
			continue
		}
		if err := w.put(p, wait); err != nil {
			return nil, err
		}
		if len(p.rest[2]) > 0 || len(p.rest[1]) > 0 || len(p.rest[0]) > 0 {
			return batch[i:], nil
		}
		w.wrote(p)
		p.out.release()
	}
	return nil, nil
}

// begin makes a packet ready to be written, and reports whether there is one.
func (w *Writer) begin(p *packet) bool {
	if p.source != nil && !w.draw(p) {
		return false
	}
	cost := p.out.Size() + p.count*packing
	p.rest = [3][]byte{frame(p), p.out.body, p.out.tail}
	p.framed, p.size, p.cost = true, len(p.rest[0])+len(p.rest[1])+len(p.rest[2]), cost
	// It is unacknowledged before it is written, because the client may acknowledge
	// it before the write returns.
	w.mu.Lock()
	defer w.mu.Unlock()
	w.window.unacked += p.size - headerSize
	return true
}

// put writes what is left of a packet, or what of that goes without waiting.
func (w *Writer) put(p *packet, wait bool) error {
	if w.parts == nil {
		for i, part := range p.rest {
			if len(part) == 0 {
				continue
			}
			if _, err := w.out.Write(part); err != nil {
				return err
			}
			p.rest[i] = nil
		}
		return nil
	}
	parts := p.rest
	n, err := w.parts.WriteParts(parts[:], wait)
	for i, part := range p.rest {
		p.rest[i] = part[min(n, len(part)):]
		n -= min(n, len(part))
	}
	return err
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

// wrote accounts for a packet that was written and lets waiting senders go on.
func (w *Writer) wrote(p *packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting -= p.cost
	w.sent.Packets++
	w.sent.Bytes += int64(p.size)
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
