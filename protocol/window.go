package protocol

import (
	"context"
	"slices"
)

// window bounds what is on its way to the client. Bytes are reserved before they
// are made into a message, wait until they are written, and are unacked until the
// client has said that it consumed them. It shares the writer's lock.
type window struct {
	size     int // bytes that may be on the way in all; 0 is no bound
	reserved int // bytes admitted and not yet queued
	unacked  int // bytes written and not acknowledged; counted only with a size
	senders  []*sender
}

// sender waits for room.
type sender struct {
	bytes int
	ready chan struct{} // closed when the bytes have been reserved
}

// SetWindow bounds the bytes of output that the client has not acknowledged; 0 is
// no bound. A single message larger than the window is sent when nothing else is
// on the way. Messages that were not reserved for (answers, and the results of tasks
// that were stopped) are counted but never held back.
func (w *Writer) SetWindow(bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.window.size = bytes
	w.window.unacked = 0
	w.grant()
}

// Ack says that the client has consumed so many bytes of packets, without their headers.
func (w *Writer) Ack(bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.window.unacked = max(0, w.window.unacked-bytes)
	w.grant()
}

// fits reports whether n more bytes may be reserved; w.mu is held.
func (w *Writer) fits(n int) bool {
	local := w.waiting + w.window.reserved
	if local > 0 && local+n > highWater {
		return false
	}
	abroad := local + w.window.unacked
	return w.window.size == 0 || abroad == 0 || abroad+n <= w.window.size
}

// Reserve waits until n more bytes may be on their way: fewer than 4 MiB wait to
// be written, and the window has room. It is how producers are slowed down to the
// client's pace. Those that wait are served in order. What was reserved is given back
// by [Writer.QueueReserved], a [Source] or [Writer.Unreserve].
func (w *Writer) Reserve(ctx context.Context, n int) error {
	w.mu.Lock()
	if w.err != nil {
		w.mu.Unlock()
		return ErrWriterClosed
	}
	if len(w.window.senders) == 0 && w.fits(n) {
		w.window.reserved += n
		w.mu.Unlock()
		return nil
	}
	s := &sender{bytes: n, ready: make(chan struct{})}
	w.window.senders = append(w.window.senders, s)
	w.mu.Unlock()
	select {
	case <-s.ready:
		return nil
	case <-w.broken:
		return ErrWriterClosed
	case <-ctx.Done():
		w.leave(s)
		return context.Cause(ctx)
	}
}

// leave takes back a request, or what it was just given.
func (w *Writer) leave(s *sender) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.Index(w.window.senders, s); i >= 0 {
		w.window.senders = slices.Delete(w.window.senders, i, i+1)
	} else {
		w.window.reserved -= s.bytes
	}
	w.grant()
}

// TryReserve is Reserve for one who would rather not wait.
func (w *Writer) TryReserve(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil || len(w.window.senders) > 0 || !w.fits(n) {
		return false
	}
	w.window.reserved += n
	return true
}

// Unreserve gives back what is not needed after all.
func (w *Writer) Unreserve(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.window.reserved -= n
	w.grant()
}

// HasRoom reports whether there is room and nobody waits for it.
func (w *Writer) HasRoom() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err == nil && len(w.window.senders) == 0 && w.fits(1)
}

// grant lets those go on that there is room for, in order; w.mu is held.
func (w *Writer) grant() {
	granted := 0
	for _, s := range w.window.senders {
		if !w.fits(s.bytes) {
			break
		}
		w.window.reserved += s.bytes
		close(s.ready)
		granted++
	}
	if granted > 0 {
		w.window.senders = slices.Delete(w.window.senders, 0, granted)
	}
}

// QueueIfRoom is [Writer.Queue] for a message that is sent only where there is room for it.
func (w *Writer) QueueIfRoom(o *Outgoing) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && (len(w.window.senders) > 0 || !w.fits(o.Cost())) {
		return false
	}
	w.add(o)
	return true
}
