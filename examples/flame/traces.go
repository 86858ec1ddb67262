package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// frame is a place in the code as it was reached in one way, with the time spent there and in what it called.
type frame struct {
	name   string
	time   time.Duration
	called []*frame
}

// child returns the frame of that name that f has called.
func (f *frame) child(name string) *frame {
	i := slices.IndexFunc(f.called, func(c *frame) bool { return c.name == name })
	if i < 0 {
		f.called = append(f.called, &frame{name: name})
		i = len(f.called) - 1
	}
	return f.called[i]
}

// add spends d in a stack, which is given from the innermost frame on.
func (f *frame) add(stack []string, d time.Duration) {
	f.time += d
	for _, name := range slices.Backward(stack) {
		f = f.child(name)
		f.time += d
	}
}

// sort puts the widest frame first, everywhere.
func (f *frame) sort() {
	slices.SortFunc(f.called, func(a, b *frame) int {
		return cmp.Or(cmp.Compare(b.time, a.time), strings.Compare(a.name, b.name))
	})
	for _, c := range f.called {
		c.sort()
	}
}

// height is how many frames stand on each other, f's own included.
func (f *frame) height() int {
	most := 0
	for _, c := range f.called {
		most = max(most, c.height())
	}
	return most + 1
}

// sample is a stack, innermost frame first, and the time that was found in it.
type sample struct {
	function string // the label, or "" for the runtime's own work
	time     time.Duration
	stack    []string
}

// read adds up what go tool pprof -traces has printed: samples between lines of dashes, each with labels,
// and a time before its innermost frame.
func read(traces io.Reader) (*frame, error) {
	var (
		root  = &frame{name: "all"}
		lines = bufio.NewScanner(traces)
		s     *sample // nil in the heading
	)
	keep := func() {
		if s != nil && s.time > 0 {
			root.add(append(s.stack, cmp.Or(s.function, "the runtime")), s.time)
		}
	}
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "-----") {
			keep()
			s = new(sample)
		} else if s != nil {
			if err := s.line(strings.TrimSpace(lines.Text())); err != nil {
				return nil, err
			}
		}
	}
	keep()
	if root.time == 0 {
		return nil, cmp.Or(lines.Err(), errors.New("expected what go tool pprof -traces prints for a profile of the CPU"))
	}
	root.sort()
	return root, lines.Err()
}

func (s *sample) line(text string) error {
	if label, value, ok := strings.Cut(text, ":  "); ok && s.time == 0 {
		if label == "function" {
			s.function = value
		}
		return nil
	}
	if s.time == 0 {
		duration, rest, _ := strings.Cut(text, " ")
		d, err := time.ParseDuration(duration)
		if err != nil {
			return fmt.Errorf("time of a sample: %w", err)
		}
		s.time, text = d, strings.TrimSpace(rest)
	}
	if !engine(text) {
		s.stack = append(s.stack, strings.TrimSuffix(text, " (inline)"))
	}
	return nil
}

// engine says whether a frame is between the label and the handler, and would be the same for all.
func engine(name string) bool {
	return strings.HasPrefix(name, "portworker.") || strings.HasPrefix(name, "portworker/dispatch.")
}
