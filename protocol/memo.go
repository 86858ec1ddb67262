package protocol

import (
	"bytes"

	"portworker/etf"
)

// Most calls bring the options of a call before them, but for the owner's numbers. They are known by
// their bytes, which takes a tenth of the time of scanning and reading them.

// optionsMemo holds options that have been read lately.
type optionsMemo struct {
	known  [4]knownOptions
	next   int // which is given up first
	limits etf.Limits
}

// knownOptions are options without raw terms, except for an owner.
type knownOptions struct {
	options CallOptions // without the owner
	term    []byte      // as it came
	owner   [2]int      // where the owner lies in it, both 0 without one
	numbers int         // where the owner's numbers begin, which may be any
}

const (
	maxKnownOptions = 256 // bytes
	newPid          = 88
	pidNumbers      = 12 // bytes of a pid's id, serial and creation, which are at its end
)

// find returns the options that b begins with, and their length, if they are known.
func (m *optionsMemo) find(b []byte, limits etf.Limits) (known *knownOptions, n int) {
	if limits != m.limits {
		*m = optionsMemo{limits: limits} // what has passed others may not pass these
		return nil, 0
	}
	for i := range m.known {
		if k := &m.known[i]; k.begins(b) {
			return k, len(k.term)
		}
	}
	return nil, 0
}

// begins reports whether b begins with these options. Bytes that are equal to a term's are that term, with
// nothing left to scan.
func (k *knownOptions) begins(b []byte) bool {
	n := len(k.term)
	if n == 0 || len(b) < n {
		return false
	}
	if k.numbers == 0 {
		return bytes.Equal(b[:n], k.term)
	}
	behind := k.numbers + pidNumbers
	return bytes.Equal(b[:k.numbers], k.term[:k.numbers]) && bytes.Equal(b[behind:n], k.term[behind:])
}

// read returns what term says, which begins with these options.
func (k *knownOptions) read(term etf.Raw) CallOptions {
	o := k.options
	if from, to := k.owner[0], k.owner[1]; to > 0 {
		o.Owner = term[from:to:to]
	}
	return o
}

// keep remembers options that have been read from term.
func (m *optionsMemo) keep(term etf.Raw, o *CallOptions) {
	if len(term) > maxKnownOptions || o.Retry != nil || o.Meta != nil {
		return
	}
	k := knownOptions{options: *o}
	if o.Owner != nil {
		// Another of the same bytes might be taken for the owner.
		if o.Owner[0] != newPid || bytes.Count(term, o.Owner) != 1 {
			return
		}
		from := bytes.Index(term, o.Owner)
		k.owner = [2]int{from, from + len(o.Owner)}
		k.numbers = k.owner[1] - pidNumbers
		k.options.Owner = nil
	}
	slot := &m.known[m.next]
	k.term = append(slot.term[:0], term...)
	*slot = k
	m.next = (m.next + 1) % len(m.known)
}
