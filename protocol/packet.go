package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

const (
	headerSize = 4
	// chunkSize is how much is read at once, and so how many small packets share
	// one allocation.
	chunkSize = 64 << 10
	// minRead is the least room a read for a new packet is given.
	minRead = 4 << 10
	// eagerSize is the largest buffer made on the word of a header alone. A
	// larger packet grows its buffer as its bytes arrive.
	eagerSize = 4 << 20
)

// DefaultMaxFrame is the largest packet accepted when nothing else is set: 64 MiB.
const DefaultMaxFrame = 64 << 20

// FrameTooLargeError reports a packet whose declared length is over the limit.
// The packet's bytes are skipped; the next packet can be read.
type FrameTooLargeError struct {
	Size, Limit int64 // bytes, without the header
}

func (e *FrameTooLargeError) Error() string {
	return fmt.Sprintf("packet of %d bytes: at most %d are accepted", e.Size, e.Limit)
}

// PacketReader splits a byte stream into packets. It is not safe for
// concurrent use, except for [PacketReader.SetMax].
type PacketReader struct {
	r        io.Reader
	buf      []byte      // bytes read and not yet handed out; handed-out packets lie before it
	own      []byte      // the memory of buf, where it was made for one packet alone
	whole    []byte      // the same of the packet that was handed out last
	chunk    []byte      // memory of the size of a chunk that no packet lies in, or nil
	returned chan []byte // memory of packets that nobody uses any longer
	skip     int64       // bytes of an oversized packet still to be thrown away
	max      atomic.Int64
}

// NewPacketReader returns a reader of packets of at most max bytes each; a max
// of zero or less means [DefaultMaxFrame].
func NewPacketReader(r io.Reader, max int) *PacketReader {
	p := &PacketReader{r: r, returned: make(chan []byte, loansKept)}
	p.SetMax(max)
	return p
}

// SetMax changes the largest accepted packet, from the next header on.
func (p *PacketReader) SetMax(max int) {
	if max <= 0 {
		max = DefaultMaxFrame
	}
	p.max.Store(int64(max))
}

// Buffered reports whether a whole packet can be had without reading.
func (p *PacketReader) Buffered() bool {
	return p.skip == 0 && len(p.buf) >= headerSize &&
		int64(len(p.buf)-headerSize) >= int64(binary.BigEndian.Uint32(p.buf))
}

// Next returns the next packet's bytes. They are the caller's: the reader
// never writes to them again, unless they are given back ([PacketReader.Lend]).
// It returns io.EOF at the end of the stream between two packets,
// io.ErrUnexpectedEOF inside one, and [*FrameTooLargeError], once, for a packet over
// the limit, after which Next may be called again.
func (p *PacketReader) Next() ([]byte, error) {
	if err := p.discard(); err != nil {
		return nil, err
	}
	if err := p.fill(headerSize); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(p.buf))
	if limit := p.max.Load(); size > limit {
		p.buf = p.buf[headerSize:]
		p.skip = size
		return nil, &FrameTooLargeError{Size: size, Limit: limit}
	}
	if err := p.fill(headerSize + int(size)); err != nil {
		return nil, err
	}
	end := headerSize + int(size)
	packet := p.buf[headerSize:end:end]
	p.buf = p.buf[end:]
	p.whole, p.own = p.own, nil
	return packet, nil
}

// discard throws away what is left of an oversized packet.
func (p *PacketReader) discard() error {
	for p.skip > 0 {
		switch n := int64(len(p.buf)); {
		case n > p.skip:
			p.buf = p.buf[p.skip:]
			p.skip = 0
		case n > 0: // nobody was given these bytes, so their room is used again
			p.buf = p.buf[:0]
			p.skip -= n
		default:
			if err := p.read(1); err != nil {
				return unexpected(err)
			}
		}
	}
	return nil
}

// fill reads until buf holds at least n bytes.
func (p *PacketReader) fill(n int) error {
	for len(p.buf) < n {
		if err := p.read(n); err != nil {
			if len(p.buf) > 0 {
				return unexpected(err)
			}
			return err
		}
	}
	return nil
}

// read appends at least one byte to buf, making room so that n bytes may
// come to fit.
func (p *PacketReader) read(n int) error {
	free := cap(p.buf) - len(p.buf)
	if free == 0 || cap(p.buf) < min(n, eagerSize) || n <= headerSize && free < minRead {
		p.grow(n)
	}
	for range 100 {
		m, err := p.r.Read(p.buf[len(p.buf):cap(p.buf)])
		p.buf = p.buf[:len(p.buf)+m]
		if m > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// grow moves the unread bytes to another buffer, which holds the first n of the packet under way, or some
// of them. The old one belongs to the packets that were cut from it.
func (p *PacketReader) grow(n int) {
	size := max(chunkSize, min(n, max(eagerSize, 2*len(p.buf))))
	if size <= len(p.buf) {
		size = len(p.buf) + chunkSize
	}
	old := p.buf
	switch p.own = nil; {
	case size == chunkSize && p.chunk != nil:
		p.buf, p.chunk = p.chunk, nil
	case size == n && lendable(n):
		p.own = p.memory(n)
		p.buf = p.own[:0:n] // nothing that follows the packet is read into it
	default:
		p.buf = uncleared(size)
	}
	p.buf = append(p.buf, old...)
	if cap(old) == chunkSize { // nothing has been cut from it
		p.chunk = old[:0]
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
