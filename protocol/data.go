package protocol

import (
	"encoding/binary"

	"portworker/etf"
)

// Data is a data message under construction: elements are encoded into their
// place as they come.
type Data struct {
	codec   Codec
	out     *Outgoing
	countAt int // where the number of elements is to be written
	count   int
}

// NewData begins a data message for a task.
func (c Codec) NewData(ref etf.Raw) *Data {
	d := &Data{codec: c, out: newOutgoing()}
	d.out.buf = appendHead(d.out.buf, tagData, ref, 3)
	if c == ETF {
		d.out.buf = etf.AppendList(d.out.buf, 1)
	} else {
		// Complete for the translation, with an empty list that then gets its elements.
		d.out.buf = etf.AppendNil(d.out.buf)
		d.out = c.must(d.out)
		d.out.buf = append(d.out.buf[:len(d.out.buf)-1], msgpackArray32, 0, 0, 0, 0)
	}
	d.countAt = len(d.out.buf) - 4
	return d
}

// Append adds an element. On error the message is as it was.
func (d *Data) Append(v any) error {
	d.out = d.out.expect(v)
	buf, err := d.codec.appendElement(d.out.buf, v)
	if err != nil {
		return err
	}
	d.out.buf = buf
	d.count++
	return nil
}

// appendElement appends one value in the codec.
func (c Codec) appendElement(dst []byte, v any) ([]byte, error) {
	if c == ETF {
		return etf.Append(dst, v)
	}
	scratch := newOutgoing()
	defer scratch.release()
	var err error
	if scratch.buf, err = etf.Append(scratch.buf, v); err != nil {
		return dst, err
	}
	packed, err := packTerm(dst, scratch.buf[headroom:])
	if err != nil {
		return dst, err
	}
	return packed, nil
}

// Size returns the length of the message so far.
func (d *Data) Size() int { return d.out.Size() }

// Count returns the number of elements.
func (d *Data) Count() int { return d.count }

// Pop takes the last element off again, which began when the message was size
// bytes long.
func (d *Data) Pop(size int) {
	d.out.buf = d.out.buf[:headroom+size]
	d.count--
}

// Finish returns the message. There is at least one element, and none is added
// after.
func (d *Data) Finish() *Outgoing {
	binary.BigEndian.PutUint32(d.out.buf[d.countAt:], uint32(d.count))
	if d.codec == ETF {
		d.out.buf = etf.AppendNil(d.out.buf)
	}
	return d.out
}

// Blob builds a data message of one binary that is not copied: its bytes are
// written from where they are, and must not be changed before the returned channel is
// closed, or the writer broken.
func (c Codec) Blob(ref etf.Raw, blob []byte) (*Outgoing, <-chan struct{}) {
	d := c.NewData(ref)
	o := d.out
	binary.BigEndian.PutUint32(o.buf[d.countAt:], 1)
	if c == ETF {
		o.buf = append(o.buf, etfBinary)
		o.tail = etfNilTail
	} else {
		o.buf = append(o.buf, msgpackBin32)
	}
	o.buf = binary.BigEndian.AppendUint32(o.buf, uint32(len(blob)))
	o.body, o.written = blob, make(chan struct{})
	return o, o.written
}

// The bytes with which a blob is framed.
const (
	etfBinary    = 109
	msgpackBin32 = 0xc6
)

var etfNilTail = []byte{etfNil}
