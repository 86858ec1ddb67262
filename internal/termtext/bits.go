package termtext

import (
	"math/big"

	"portworker/etf"
)

// bits reads <<...>>: bytes, texts, and integers of so many bits.
func (r *Reader) bits() (any, error) {
	r.take()
	if err := r.expect('<', "after <"); err != nil {
		return nil, err
	}
	var out bitWriter
	for segments := 0; ; segments++ {
		if err := r.space(); err != nil {
			return nil, err
		}
		if c, _ := r.peek(); c == '>' {
			r.take()
			if err := r.expect('>', "after >"); err != nil {
				return nil, err
			}
			return out.term(), nil
		}
		if segments > 0 {
			if err := r.expect(',', "or >> in a binary"); err != nil {
				return nil, err
			}
			if err := r.space(); err != nil {
				return nil, err
			}
		}
		if err := r.segment(&out); err != nil {
			return nil, err
		}
	}
}

// segment reads a text, or an integer and its size in bits, which is 8 where it is not said.
func (r *Reader) segment(out *bitWriter) error {
	start := r.at
	if c, _ := r.peek(); c != '"' && c != '$' && c != '?' && c != '-' && c != '+' && !isDigit(c) {
		return r.unexpected("an integer or a text in a binary")
	}
	v, err := r.term()
	if err != nil {
		return err
	}
	size, kind, err := r.segmentSize()
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		if kind == "size" {
			return start.problem("a text in a binary has no size")
		}
		for i := range len(v) {
			out.write(big.NewInt(int64(v[i])), 8)
		}
		return nil
	case int64:
		return out.integer(start, big.NewInt(v), size)
	case *big.Int:
		return out.integer(start, v, size)
	}
	return start.problem("expected an integer or a text in a binary")
}

// maxBits bounds the size of an integer in a binary.
const maxBits = 1 << 16

// segmentSize reads :N, ::N, ::size(N), or the type of a text, as /utf8 or ::binary.
func (r *Reader) segmentSize() (size int, kind string, err error) {
	if r.accept('/') {
		r.name()
		return 8, "type", nil
	}
	if !r.accept(':') {
		return 8, "", nil
	}
	r.accept(':')
	inSize := false
	if c, _ := r.peek(); !isDigit(c) {
		if name := r.name(); name != "size" {
			return 8, "type", nil
		}
		if err := r.expect('(', "after size"); err != nil {
			return 0, "", err
		}
		inSize = true
	}
	start := r.at
	v, err := r.number()
	if err != nil {
		return 0, "", err
	}
	n, ok := v.(int64)
	if !ok || n < 0 || n > maxBits {
		return 0, "", start.problem("expected a size from 0 to %d bits", maxBits)
	}
	if inSize {
		err = r.expect(')', "after a size")
	}
	return int(n), "size", err
}

// A bitWriter puts bits one after another, the most significant ones first.
type bitWriter struct {
	bytes []byte
	used  int // bits of the last byte that are used; 0 when all are
}

// integer writes v, which may be negative, in so many bits.
func (w *bitWriter) integer(at position, v *big.Int, size int) error {
	if limit := new(big.Int).Lsh(big.NewInt(1), uint(size)); new(big.Int).Abs(v).Cmp(limit) >= 0 {
		return at.problem("%v does not fit %d bits", v, size)
	}
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(size)))
	}
	w.write(v, size)
	return nil
}

func (w *bitWriter) write(v *big.Int, size int) {
	if w.used == 0 && size == 8 {
		w.bytes = append(w.bytes, byte(v.Uint64()))
		return
	}
	for i := size - 1; i >= 0; i-- {
		if w.used == 0 {
			w.bytes = append(w.bytes, 0)
		}
		w.bytes[len(w.bytes)-1] |= byte(v.Bit(i)) << (7 - w.used)
		w.used = (w.used + 1) % 8
	}
}

// term is a binary, or a bitstring where the last byte is not full.
func (w *bitWriter) term() any {
	if w.used == 0 {
		return string(w.bytes)
	}
	return etf.Bitstring{Bytes: w.bytes, Bits: w.used}
}
