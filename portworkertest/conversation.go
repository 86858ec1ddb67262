package portworkertest

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"portworker/etf"
	"portworker/internal/termtext"
)

// Bounds of what is logged when a test fails.
const (
	maxLines = 50
	maxLine  = 200 // bytes of a message
)

// Directions, as they are logged.
const (
	fromTest   = "->"
	fromWorker = "<-"
)

// conversation keeps the last messages, and their times.
type conversation struct {
	began  time.Time
	lines  []line // a ring once it is full
	count  int
	closed bool // what comes now is no longer the test's
}

type line struct {
	at        time.Duration
	direction string
	term      etf.Raw
	elements  message // in place of term
}

func (c *conversation) add(direction string, term etf.Raw) {
	c.keep(line{direction: direction, term: term})
}

func (c *conversation) addMessage(direction string, m message) {
	c.keep(line{direction: direction, elements: m})
}

func (c *conversation) keep(l line) {
	if c.closed {
		return
	}
	l.at = time.Since(c.began)
	if len(c.lines) < maxLines {
		c.lines = append(c.lines, l)
	} else {
		c.lines[c.count%maxLines] = l
	}
	c.count++
}

// String has a line for each message, the time since the beginning before it.
func (c *conversation) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "portworkertest: the conversation (-> from the test, <- from the worker)")
	if left := c.count - len(c.lines); left > 0 {
		fmt.Fprintf(&out, ", without the first %d messages", left)
	}
	for i := range c.lines {
		l := c.lines[(c.count+i)%len(c.lines)]
		fmt.Fprintf(&out, "\n%12v %s %s", l.at, l.direction, l.text())
	}
	return out.String()
}

func (l line) text() string {
	if l.elements == nil {
		return bounded(termText(l.term))
	}
	texts := make([]string, len(l.elements))
	for i, element := range l.elements {
		texts[i] = termText(element)
	}
	return bounded("{" + strings.Join(texts, ",") + "}")
}

func termText(term etf.Raw) string {
	text, err := termtext.Erlang.Append(nil, term)
	if err != nil {
		return term.String()
	}
	return string(text)
}

// bounded cuts a text that is too long, between two characters.
func bounded(text string) string {
	if len(text) <= maxLine {
		return text
	}
	end := maxLine
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:end], len(text))
}
