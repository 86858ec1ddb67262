package protocol

import (
	"sync"

	"portworker/etf"
)

const (
	// smallBuffer is the largest buffer that is kept for messages of any size.
	smallBuffer = 64 << 10
	// largeBuffer is the largest that is kept at all: enough for binaries of 1 MiB and
	// what is around them.
	largeBuffer = 2 << 20
)

// Buffers go round: a message's buffer serves the next one once it is written.
// Large ones are kept apart, for messages that are known to need one.
var (
	smallOutgoings = sync.Pool{New: func() any { return &Outgoing{buf: make([]byte, headroom, 512)} }}
	largeOutgoings sync.Pool
)

func newOutgoing() *Outgoing {
	o := smallOutgoings.Get().(*Outgoing)
	o.buf, o.alone = o.buf[:headroom], false
	return o
}

// release gives the buffer back. The message must not be used after it.
func (o *Outgoing) release() {
	switch {
	case cap(o.buf) <= smallBuffer:
		smallOutgoings.Put(o)
	case cap(o.buf) <= largeBuffer:
		largeOutgoings.Put(o)
	}
}

// expect makes room for a value of known size, in a large buffer where it takes
// one, so that it is not copied from buffer to buffer as it grows.
func (o *Outgoing) expect(v any) *Outgoing {
	need := len(o.buf) + knownSize(v) + headroom
	if need <= smallBuffer || need <= cap(o.buf) {
		return o
	}
	large, ok := largeOutgoings.Get().(*Outgoing)
	if !ok || cap(large.buf) < need {
		large = &Outgoing{buf: make([]byte, 0, need)}
	}
	large.buf, large.alone = append(large.buf[:0], o.buf...), o.alone
	o.release()
	return large
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
