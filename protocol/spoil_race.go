//go:build race

package protocol

// spoil overwrites memory that was lent, so that a test finds who still looks at it.
func spoil(b []byte) {
	b = b[:cap(b)]
	for i := range b {
		b[i] = 0xdb
	}
}
