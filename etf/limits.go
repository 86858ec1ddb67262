package etf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
)

// DefaultMaxDepth is the nesting allowed where Limits do not say.
const DefaultMaxDepth = 1000

const defaultMaxInflated = 64 << 20

// Limits bound what a term may cost. The zero value holds the defaults.
type Limits struct {
	// MaxDepth is how deeply terms may nest; 0 means 1000. OTP has no such bound. A number is at depth 0 and {1} at
	// depth 1; a list whose tail is again a list is no deeper for it.
	MaxDepth int
	// MaxInflated is the largest size in bytes of a compressed term once inflated; 0 means 64 MiB. OTP has no such
	// bound.
	MaxInflated int
}

func (l Limits) maxDepth() int {
	if l.MaxDepth == 0 {
		return DefaultMaxDepth
	}
	return l.MaxDepth
}

func (l Limits) maxInflated() int {
	if l.MaxInflated == 0 {
		return defaultMaxInflated
	}
	return l.MaxInflated
}

// Open checks and strips the version byte and inflates a compressed term. The result is not scanned, and aliases data
// unless that was compressed.
func (l Limits) Open(data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, syntaxError(0, "no bytes, expected the version byte %d", Version)
	}
	if data[0] != Version {
		return nil, syntaxError(0, "first byte is %d, expected the version byte %d", data[0], Version)
	}
	body := data[1:]
	if len(body) > 0 && body[0] == tagCompressed {
		return l.inflate(body[1:])
	}
	return body, nil
}

// inflate reads the size and the zlib stream that follow the compressed tag. It grows its buffer with what really
// comes out, so that a false size costs nothing.
func (l Limits) inflate(b []byte) ([]byte, error) {
	const offset = 2 // of b in the data
	if len(b) < 4 {
		return nil, truncated(offset, "the size of a compressed term", 4, len(b))
	}
	size := uint64(binary.BigEndian.Uint32(b))
	if size > uint64(l.maxInflated()) {
		return nil, syntaxError(offset, "compressed term inflates to %d bytes, the limit is %d", size, l.maxInflated())
	}
	stream := bytes.NewReader(b[4:])
	z, err := zlib.NewReader(stream)
	if err != nil {
		return nil, syntaxError(offset+4, "compressed term: %v", err)
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(z, int64(size)+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, syntaxError(offset+4, "compressed term is cut short after %d of %d bytes", n, size)
	case err != nil:
		return nil, syntaxError(offset+4, "compressed term: %v", err)
	case uint64(n) != size:
		return nil, syntaxError(offset, "compressed term does not inflate to the %d bytes it declares", size)
	case stream.Len() > 0:
		return nil, trailing(len(b)+offset-stream.Len(), stream.Len())
	}
	return out.Bytes(), nil
}

// Parse opens data and scans the one term it must hold, whose bytes it returns without the version byte. They alias
// data unless that was compressed.
func (l Limits) Parse(data []byte) (Raw, error) {
	body, err := l.Open(data)
	if err != nil {
		return nil, err
	}
	n, err := l.Scan(body)
	if err == nil && n != len(body) {
		err = trailing(n, len(body)-n)
	}
	if err != nil {
		if syntax := (*SyntaxError)(nil); (len(data) == 1 || data[1] != tagCompressed) && errors.As(err, &syntax) {
			syntax.Offset++ // for the version byte
		}
		return nil, err
	}
	return body, nil
}

func truncated(offset int, what string, need, have int) error {
	return syntaxError(offset, "%s needs %d bytes, only %d are left", what, need, have)
}

func trailing(offset, n int) error {
	return syntaxError(offset, "%d bytes follow the term, expected none", n)
}
