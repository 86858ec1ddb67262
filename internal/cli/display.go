package cli

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"portworker/etf"
	"portworker/internal/termtext"
)

// A display writes values to standard output and everything else to standard error. It is safe for
// concurrent use.
type display struct {
	name    string
	options *callOptions
	syntax  termtext.Syntax

	mu       sync.Mutex
	out, err io.Writer
	terminal bool // standard error is one: a bar can be drawn
	bar      bool // the current line is one
}

func newDisplay(name string, out, err io.Writer, terminal bool, o *callOptions) *display {
	return &display{name: name, options: o, syntax: o.syntax.syntax(), out: out, err: err, terminal: terminal}
}

// values writes terms, each in a line.
func (d *display) values(terms []etf.Raw) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var text []byte
	for _, term := range terms {
		if data, _, ok := etf.ReadBinary(term); ok && d.options.raw {
			text = append(text, data...)
			continue
		}
		var err error
		if text, err = d.syntax.Append(text, term); err != nil {
			return err
		}
		text = append(text, '\n')
	}
	d.erase()
	_, err := d.out.Write(text)
	return err
}

// progress draws a bar, or writes a line.
func (d *display) progress(term etf.Raw) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if done, total, ok := measured(term); ok && d.terminal && !d.options.syntax.json {
		d.bar = true
		_, err := io.WriteString(d.err, "\r"+drawBar(done, total)+"\x1b[K")
		return err
	}
	return d.labelled("progress", term)
}

// other writes a message that is neither value nor progress.
func (d *display) other(label string, term etf.Raw) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.labelled(label, term)
}

func (d *display) labelled(label string, term etf.Raw) error {
	text, err := d.syntax.Append(nil, term)
	if err != nil {
		return err
	}
	d.erase()
	if d.options.syntax.json {
		_, err = fmt.Fprintf(d.err, "{\"%s\":%s}\n", label, text)
	} else {
		_, err = fmt.Fprintf(d.err, "%s: %s\n", label, text)
	}
	return err
}

// note says something in the program's own words.
func (d *display) note(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
	fmt.Fprintf(d.err, "%s: %s\n", d.name, text)
}

// failure writes an error of the task's.
func (d *display) failure(term etf.Raw) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var fields etf.Map
	if err := etf.Decode(term, &fields); err != nil || d.options.syntax.json {
		return d.labelled("error", term)
	}
	d.erase()
	get := func(key string) any { v, _ := fields.Get(etf.Atom(key)); return v }
	fmt.Fprintf(d.err, "%s: %v: %v\n", d.name, get("reason"), get("message"))
	for _, pair := range fields {
		switch pair.Key {
		case etf.Atom("reason"), etf.Atom("message"):
		case etf.Atom("stack"):
			fmt.Fprintf(d.err, "  stack:\n%s", indented(fmt.Sprint(pair.Value)))
		case etf.Atom("details"):
			d.details(pair.Value)
		default:
			fmt.Fprintf(d.err, "  %v: %s\n", pair.Key, d.syntax.Text(pair.Value))
		}
	}
	return nil
}

// details writes what an error has beyond its message: the receipt of a cancellation in words.
func (d *display) details(v any) {
	fields, _ := v.(etf.Map)
	running, isReceipt := fields.Get(etf.Atom("still_running"))
	switch {
	case !isReceipt:
		fmt.Fprintf(d.err, "  details: %s\n", d.syntax.Text(v))
	case running == false:
		fmt.Fprintln(d.err, "  the handler has returned")
	default:
		fmt.Fprintln(d.err, "  the handler is still running")
		if stack, ok := fields.Get(etf.Atom("stack")); ok {
			fmt.Fprint(d.err, indented(fmt.Sprint(stack)))
		}
	}
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
}

// clear removes a bar when the task has ended.
func (d *display) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.erase()
}

func (d *display) erase() {
	if d.bar {
		_, _ = io.WriteString(d.err, "\r\x1b[K")
		d.bar = false
	}
}
