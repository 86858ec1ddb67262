package protocol

import (
	"sync"

	"portworker/etf"
)

const (
	// smallBuffer is the largest buffer that is kept for messages of any size: it holds
	// the fullest batch.
	smallBuffer = batchSize + 2*linkSize
	// largeBuffer is the largest that is kept at all: enough for binaries of 1 MiB and
	// what is around them.
	largeBuffer = 2 << 20
)

// Buffers go round: a message's buffer serves the next one once it is written.
// Large ones are kept apart, a few of them, for messages that are known to need one. They
// are filled on one processor and given back on another, which a sync.Pool does not
// serve well.
var (
	smallOutgoings = sync.Pool{New: func() any { return &Outgoing{buf: make([]byte, headroom, 512)} }}
	largeOutgoings = make(chan *Outgoing, 4)
)

func newOutgoing() *Outgoing {
	o := smallOutgoings.Get().(*Outgoing)
	o.buf, o.alone = o.buf[:headroom], false
	return o
}

// release gives the buffer back. The message must not be used after it.
func (o *Outgoing) release() {
	if o.written != nil {
		close(o.written)
	}
	o.loan.giveBack()
	o.body, o.tail, o.written = nil, nil, nil
	switch {
	case cap(o.buf) <= smallBuffer:
		smallOutgoings.Put(o)
	case cap(o.buf) <= largeBuffer:
		select {
		case largeOutgoings <- o:
		default:
		}
	}
}

// expect makes room for a value of known size, in a large buffer where it takes
// one, so that it is not copied from buffer to buffer as it grows.
func (o *Outgoing) expect(v any) *Outgoing {
	need := len(o.buf) + knownSize(v) + headroom
	if need <= smallBuffer || need <= cap(o.buf) {
		return o
	}
	large := largeOutgoing(need)
	large.buf, large.alone = append(large.buf[:0], o.buf...), o.alone
	o.release()
	return large
}

// largeOutgoing returns one whose buffer holds need bytes.
func largeOutgoing(need int) *Outgoing {
	select {
	case o := <-largeOutgoings:
		if cap(o.buf) >= need {
			return o
		}
	default:
	}
	return &Outgoing{buf: make([]byte, 0, need)}
}

// knownSize returns the size of values that are little more than bytes, and 0
// for others.
func knownSize(v any) int {
	switch v := v.(type) {
	case *[]byte:
		return len(*v)
	case []byte:
		return len(v)
	case *etf.Raw:
		return len(*v)
	case etf.Raw:
		return len(v)
	case *string:
		return len(*v)
	case string:
		return len(v)
	}
	return 0
}

// Discard gives up a message that is not to be sent.
func (o *Outgoing) Discard() {
	o.loan = loan{}
	o.release()
}
