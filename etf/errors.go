package etf

import "fmt"

// A SyntaxError says why bytes are not a term.
type SyntaxError struct {
	// Offset counts the bytes before the fault: from the start of the data for Parse and Open, from the start of the
	// body for Scan. In a compressed term it counts inflated bytes.
	Offset int
	// What says what was wrong and what was expected.
	What string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("etf: %s (at byte %d)", e.What, e.Offset)
}

func syntaxError(offset int, format string, args ...any) error {
	return &SyntaxError{Offset: offset, What: fmt.Sprintf(format, args...)}
}
