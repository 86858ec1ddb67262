package recording

import (
	"fmt"
	"io"
	"os/exec"
	"time"

	"portworker/etf"
	"portworker/internal/termtext"
)

// A Replay has a recorded conversation with a worker again.
type Replay struct {
	// File is the recording.
	File io.Reader
	// Command is the worker; its Stdin and Stdout are set here.
	Command *exec.Cmd
	// Patience is how long the worker may say nothing, beyond what it took when it was recorded, where something is
	// expected.
	Patience time.Duration
	// Ignore names functions whose values, elements and progress are not compared.
	Ignore []string
}

// A Difference is where a worker says something else than was recorded.
type Difference struct {
	Record   int           // of the recording, from 1
	Time     time.Duration // since its start
	Offset   int64         // in the file, in bytes
	Problem  string
	Recorded etf.Raw // nil where nothing was
	Replayed etf.Raw // nil where nothing came
}

func (d *Difference) Error() string {
	text := fmt.Sprintf("record %d (at %v, byte %d): %s", d.Record, d.Time, d.Offset, d.Problem)
	if d.Recorded != nil {
		text += "\n  recorded: " + termtext.Elixir.Text(d.Recorded)
	}
	if d.Replayed != nil {
		text += "\n  replayed: " + termtext.Elixir.Text(d.Replayed)
	}
	return text
}

// Run returns how many messages were said in all, of both sides. The error is a [*Difference] for the first that is
// found, and anything else where the recording cannot be read or the worker not be started.
func (r Replay) Run() (messages int, err error) {
	s, err := load(r.File, r.Ignore)
	if err != nil {
		return 0, err
	}
	input, err := r.Command.StdinPipe()
	if err != nil {
		return 0, err
	}
	output, err := r.Command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := r.Command.Start(); err != nil {
		return 0, err
	}
	p := &player{
		session: s, in: input, process: r.Command.Process, patience: r.Patience,
		arrivals: make(chan arrival, 64), got: map[topic]int{}, over: map[task]bool{}, callbacks: map[string]string{},
	}
	p.listener = newListener(s.ignores(r.Ignore))
	stop := make(chan struct{})
	go p.read(output, stop)
	err = p.play()
	_ = input.Close()
	close(stop)
	if err != nil {
		_ = r.Command.Process.Kill()
	}
	for range p.arrivals { // up to the end of the worker's output
	}
	_ = r.Command.Wait()
	if err == nil {
		err = p.compareExit(exitStatus(r.Command.ProcessState))
	}
	return s.said, err
}

// An arrival is a packet of the worker's.
type arrival struct {
	packet []byte
	err    error
}

// Term is the difference as a map, and says how many messages there were; d may be nil.
func (d *Difference) Term(messages int) etf.Map {
	key := func(name string, v any) etf.Pair { return etf.Pair{Key: etf.Atom(name), Value: v} }
	term := etf.Map{key("messages", int64(messages)), key("difference", nil)}
	if d == nil {
		return term
	}
	term[1].Value = etf.Map{
		key("record", int64(d.Record)), key("time_us", d.Time.Microseconds()), key("offset", d.Offset), key("problem", d.Problem),
		key("recorded", value(d.Recorded)), key("replayed", value(d.Replayed)),
	}
	return term
}

func value(term etf.Raw) (v any) {
	if term != nil {
		_ = etf.Decode(term, &v) // it was scanned when it came
	}
	return v
}
