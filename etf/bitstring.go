package etf

import (
	"encoding/binary"
	"fmt"
)

// A Bitstring is a sequence of bits that need not be a whole number of bytes. Only those that are not decode into one;
// the others are binaries.
type Bitstring struct {
	Bytes []byte
	// Bits says how many bits of the last byte are used, the most significant ones first: 1 to 8, and 0 when there
	// are no bytes.
	Bits int
}

// String shows the size alone.
func (b Bitstring) String() string {
	return fmt.Sprintf("#Bitstring<%d bits>", max(0, len(b.Bytes)-1)*8+b.Bits)
}

// splitBitstring takes apart a scanned BIT_BINARY_EXT; data aliases b.
func splitBitstring(b []byte) (data []byte, used, n int) {
	n = 6 + int(binary.BigEndian.Uint32(b[1:]))
	return b[6:n:n], int(b[5]), n
}
