// Package cli is the command line of every worker beyond serving: it calls the worker's
// functions, lists them, and reads, writes, records and replays its wire.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"portworker/dispatch"
	"portworker/internal/termtext"
)

// A Host is the program that the commands are part of.
type Host struct {
	// Name is how the program is called in texts.
	Name string
	// Flags returns flags for the worker's own settings, for a command that runs it in this process.
	Flags func() *pflag.FlagSet
	// Ready gets the worker ready, with the flags that Flags returned.
	Ready func(flags *pflag.FlagSet) (Worker, error)
	// Claim takes descriptors, as "0,1", for the command: whatever else prints goes to standard error, and
	// nothing else reads.
	Claim func(descriptors string) (Streams, error)
}

// A Worker is what the commands need of the program's worker.
type Worker struct {
	// Name is how the program is called in texts.
	Name string
	// Serve answers one client until in ends.
	Serve func(ctx context.Context, in io.Reader, out io.Writer) error
	// Functions are those that are registered, in the order of their names.
	Functions []*dispatch.Function
}

// Streams are the program's standard input and output; its error output is os.Stderr.
type Streams struct {
	In, Out *os.File
}

// Exit is an error that has an exit status of its own. Without Err nothing more is to be said.
type Exit struct {
	Status int
	Err    error
}

func (e *Exit) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *Exit) Unwrap() error { return e.Err }

// Exit statuses of commands. A mistake on the command line is a usage error too, without an [Exit].
const (
	ExitFailure = 1
	ExitUsage   = 2
)

// standard are the descriptors of standard input and output.
const standard = "0,1"

// fails gives an error the status of a failure, unless it has one. A reader that has gone is no error to
// talk about: it is what head does.
func fails(err error) error {
	if _, has := err.(*Exit); has || err == nil {
		return err
	}
	if errors.Is(err, syscall.EPIPE) {
		return &Exit{Status: 128 + int(syscall.SIGPIPE)}
	}
	return &Exit{Status: ExitFailure, Err: err}
}

// Commands returns the commands of a host.
func Commands(host Host) []*cobra.Command {
	return []*cobra.Command{
		host.callCommand(), host.functionsCommand(), host.describeCommand(),
		host.encodeCommand(), host.decodeCommand(),
		host.recordCommand(), host.replayCommand(), host.completionCommand(),
	}
}

// inProcess makes cmd one that runs the worker in this process, and takes its flags.
func (h Host) inProcess(cmd *cobra.Command, run func(w Worker, s Streams, args []string) error) *cobra.Command {
	flags := h.Flags()
	flags.VisitAll(func(f *pflag.Flag) {
		f.Hidden = true
		if cmd.Flags().ShorthandLookup(f.Shorthand) != nil {
			f.Shorthand = ""
		}
	})
	cmd.Flags().AddFlagSet(flags)
	cmd.Long += "\n\nThe settings of the worker are taken too: see " + h.Name + " --help."
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		streams, err := h.Claim(standard)
		if err != nil {
			return fails(err)
		}
		w, err := h.Ready(flags)
		if err != nil {
			return err
		}
		return fails(run(w, streams, args))
	}
	return cmd
}

// A syntaxFlag chooses how terms are written.
type syntaxFlag struct{ erlang, elixir, json bool }

func (s *syntaxFlag) add(flags *pflag.FlagSet, json string) {
	flags.BoolVar(&s.elixir, "elixir", false, "write terms in Elixir's syntax (the default)")
	flags.BoolVar(&s.erlang, "erlang", false, "write terms in Erlang's syntax")
	flags.BoolVar(&s.json, "json", false, json)
}

func (s *syntaxFlag) exclusive(cmd *cobra.Command) {
	cmd.MarkFlagsMutuallyExclusive("elixir", "erlang", "json")
}

func (s *syntaxFlag) syntax() termtext.Syntax {
	switch {
	case s.json:
		return termtext.JSON
	case s.erlang:
		return termtext.Erlang
	}
	return termtext.Elixir
}
