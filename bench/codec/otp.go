package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// otpPeer is a running otp.escript.
type otpPeer struct {
	command *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
	dir     string
}

// startOTP gives the script the term of each subject, in a file named by its place, and replaces it with what OTP
// makes of it.
func startOTP(script string, all []*subject) (*otpPeer, error) {
	dir, err := os.MkdirTemp("", "codec")
	if err != nil {
		return nil, err
	}
	p := &otpPeer{command: exec.Command("escript", script, dir), dir: dir}
	for i, s := range all {
		if err := os.WriteFile(p.file(i), s.term, 0o600); err != nil {
			return nil, err
		}
	}
	p.command.Stderr = os.Stderr
	if p.orders, err = p.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.answers = bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if line, err := p.answers.ReadString('\n'); err != nil {
		return nil, fmt.Errorf("otp.escript said %q: %w", line, err)
	}
	for i, s := range all {
		if s.term, err = os.ReadFile(p.file(i)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *otpPeer) file(place int) string { return filepath.Join(p.dir, strconv.Itoa(place)) }

// run has an operation done a number of times, on the term of the subject at a place.
func (p *otpPeer) run(op operation, place, times int) (time.Duration, error) {
	if _, err := fmt.Fprintf(p.orders, "%s %d %d\n", op, place, times); err != nil {
		return 0, err
	}
	line, err := p.answers.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("otp.escript ended: %w", err)
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return time.Duration(ns), err
}

// stop ends the script, which ends with its input.
func (p *otpPeer) stop() error {
	p.orders.Close()
	err := p.command.Wait()
	os.RemoveAll(p.dir)
	return err
}
