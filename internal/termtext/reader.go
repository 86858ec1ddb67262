package termtext

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"portworker/etf"
)

// maxDepth is how deeply terms may nest; no worker takes more by default.
const maxDepth = etf.DefaultMaxDepth

// A SyntaxError says where a text is no term, and why.
type SyntaxError struct {
	Line, Column int // from 1, in characters
	Problem      string
	// AtEnd says that the text ended too early: with more of it, it might be a term.
	AtEnd bool
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// A Reader reads terms, one after another. It reads no further than the end of a term that shows its
// end, and one character further otherwise, so that it can follow what somebody types.
type Reader struct {
	in     *bufio.Reader
	at     position // of the next character
	depth  int
	json   int   // JSON objects around
	failed error // of the input
}

// A position is a line and a column, from 1, in characters.
type position struct{ line, column int }

// NewReader returns a reader of terms from in.
func NewReader(in io.Reader) *Reader {
	return &Reader{in: bufio.NewReader(in), at: position{1, 1}}
}

// Next returns the next term, in the types of etf's dynamic values and, for identifiers and functions,
// [etf.Raw]. Terms may be set apart by a full stop, a comma or a semicolon. It returns io.EOF when
// there is none left, a [*SyntaxError] for what is no term, after which the rest cannot be read, and the error of a read that failed.
func (r *Reader) Next() (any, error) {
	for {
		if err := r.space(); err != nil {
			return nil, err
		}
		c, ok := r.peek()
		if !ok {
			return nil, r.end()
		}
		if c != '.' && c != ',' && c != ';' {
			break
		}
		r.take()
	}
	start := r.at
	r.depth, r.json = 0, 0
	v, err := r.term()
	switch {
	case err != nil && r.failed != nil:
		return nil, r.failed
	case err != nil:
		return nil, err
	}
	if _, err := etf.Append(nil, v); err != nil { // keys that are equal, an atom too long
		return nil, start.problem("%v", err)
	}
	return v, nil
}

// Parse reads the one term that text holds.
func Parse(text string) (any, error) {
	r := NewReader(strings.NewReader(text))
	v, err := r.Next()
	if errors.Is(err, io.EOF) {
		return nil, r.problem("expected a term, got nothing")
	}
	if err != nil {
		return nil, err
	}
	if c, ok := r.peek(); ok && c == '.' {
		r.take()
	}
	if err := r.space(); err != nil {
		return nil, err
	}
	if c, ok := r.peek(); ok {
		return nil, r.problem("expected one term, got %q after it", c)
	}
	return v, nil
}

// end is what to return where the input has ended: io.EOF or the error of a read.
func (r *Reader) end() error {
	if r.failed != nil {
		return r.failed
	}
	return io.EOF
}

// peek returns the next character; invalid UTF-8 is the byte's own U+FFFD.
func (r *Reader) peek() (rune, bool) {
	c, _, err := r.in.ReadRune()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			r.failed = err
		}
		return 0, false
	}
	_ = r.in.UnreadRune()
	return c, true
}

// peekSecond returns the byte after the next one, or 0. It is for where that byte is bound to come.
func (r *Reader) peekSecond() byte {
	b, err := r.in.Peek(2)
	if err != nil {
		return 0
	}
	return b[1]
}

// take consumes one character and returns its bytes as they are.
func (r *Reader) take() string {
	c, size, err := r.in.ReadRune()
	if err != nil {
		return ""
	}
	text := string(c)
	if c == utf8.RuneError && size == 1 {
		_ = r.in.UnreadRune()
		b, _ := r.in.ReadByte()
		text = string([]byte{b})
	}
	if r.at.column++; c == '\n' {
		r.at = position{r.at.line + 1, 1}
	}
	return text
}

// accept consumes c if it comes next.
func (r *Reader) accept(c rune) bool {
	next, ok := r.peek()
	if !ok || next != c {
		return false
	}
	r.take()
	return true
}

// expect consumes c, or fails.
func (r *Reader) expect(c rune, after string) error {
	if r.accept(c) {
		return nil
	}
	return r.unexpected(fmt.Sprintf("%q %s", c, after))
}

// unexpected reports the next character where something else was expected.
func (r *Reader) unexpected(expected string) error {
	c, ok := r.peek()
	if !ok {
		err := r.problem("expected %s, got the end of the text", expected)
		err.AtEnd = true
		return err
	}
	return r.problem("expected %s, got %q", expected, c)
}

func (r *Reader) problem(format string, args ...any) *SyntaxError {
	return r.at.problem(format, args...)
}

func (p position) problem(format string, args ...any) *SyntaxError {
	return &SyntaxError{Line: p.line, Column: p.column, Problem: fmt.Sprintf(format, args...)}
}

// space skips white space and comments.
func (r *Reader) space() error {
	for {
		c, ok := r.peek()
		switch {
		case !ok:
			return r.failed
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\ufeff':
			r.take()
		case c == '#' && r.opensTerm(), c == '%' && r.peekSecond() == '{':
			return nil
		case c == '#' || c == '%':
			for ok && c != '\n' {
				r.take()
				c, ok = r.peek()
			}
		default:
			return nil
		}
	}
}

// opensTerm says whether the # that comes next begins a map or an identifier, and not a comment.
func (r *Reader) opensTerm() bool {
	if r.peekSecond() == '{' {
		return true
	}
	next, _ := r.in.Peek(5)
	for _, kind := range identifierKinds {
		if strings.HasPrefix(kind.prefix, string(next)) && len(next) >= 5 {
			return true
		}
	}
	return false
}
