package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"portworker/internal/recording"
	"portworker/internal/termtext"
)

func (h Host) recordCommand() *cobra.Command {
	var descriptors string
	cmd := &cobra.Command{
		Use:   "record FILE [-- COMMAND [ARGUMENT...]]",
		Short: "Run a worker and keep what it and its client say in a file",
		Long: `Runs a worker, this one where no command is given, passes on everything that it and its client say, and signals
too, and keeps it in FILE, with times. Give it in place of the worker, as the command of a port. The exit status is
the worker's: 128 and the signal's number if one has ended it.

FILE is made anew and readable by its owner alone, for it holds all that was said. %p in its name is the process id:
so a worker that is started again overwrites nothing. It can be looked at with decode, also while it grows.

Behind -- stands a command, or flags for this worker.`,
		Example: `  ` + h.Name + ` record /tmp/session-%p
  ` + h.Name + ` record /tmp/session -- --max-running 10
  ` + h.Name + ` record /tmp/session -- ./other_worker --verbose`,
		Args: fileAndCommand,
	}
	cmd.Flags().StringVar(&descriptors, "descriptors", standard, "file descriptors of the client: input, output; PORTWORKER_DESCRIPTORS does too")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		worker, err := command(args[1:])
		if err != nil {
			return fails(err)
		}
		if fromEnvironment, ok := os.LookupEnv("PORTWORKER_DESCRIPTORS"); ok && !cmd.Flags().Changed("descriptors") {
			descriptors = fromEnvironment
		}
		worker.Env = append(os.Environ(), "PORTWORKER_DESCRIPTORS=0,1")
		streams, err := h.Claim(descriptors)
		if err != nil {
			return err
		}
		name := strings.ReplaceAll(args[0], "%p", strconv.Itoa(os.Getpid()))
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return fails(err)
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			_ = file.Chmod(0o600) // one that was there before may have had another mode
		}
		r := recording.Recorder{In: streams.In, Out: streams.Out, Err: os.Stderr, File: file, Command: worker}
		status, err := r.Run()
		if err == nil && status != 0 {
			err = &Exit{Status: status}
		}
		return fails(err)
	}
	return cmd
}

// fileAndCommand checks the arguments: one, and a command behind --.
func fileAndCommand(cmd *cobra.Command, args []string) error {
	before := len(args)
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		before = at
	}
	if before != 1 {
		return fmt.Errorf("expected one file, got %d arguments; a command stands behind --", before)
	}
	return nil
}

// command is the worker that args name: another program, or this one, with flags.
func command(args []string) (*exec.Cmd, error) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return exec.Command(args[0], args[1:]...), nil
	}
	self, err := os.Executable()
	return exec.Command(self, args...), err
}

func (h Host) replayCommand() *cobra.Command {
	var json bool
	var ignore []string
	patience := 10 * time.Second
	cmd := &cobra.Command{
		Use:   "replay FILE [-- COMMAND [ARGUMENT...]]",
		Short: "Have a recorded conversation again and report the first difference",
		Long: `Sends what the client said in a recording to a worker, this one where no command is given, and compares what it answers.
No BEAM is needed. Each message is sent as soon as the worker has said what it had said by then.

Compared are, for each task, its result, its elements in order, and its progress in order; callbacks, notifications,
faults and pongs; and the exit status. Not compared are times, how messages of different tasks follow each other and are
put into packets, log records, os_pid, version and limits in hello, stacks, retry_after, the worker's refs of callbacks,
what $stats and its like say, how far a task had come that was cancelled or ran out of time, and inputs that a channel had no room for.

The exit status is 0 without a difference and 1 with one.`,
		Example: `  ` + h.Name + ` replay /tmp/session
  ` + h.Name + ` replay /tmp/session --ignore monitor -- ./other_worker`,
		Args: fileAndCommand,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&ignore, "ignore", nil, "functions whose values, elements and progress are not compared")
	flags.DurationVar(&patience, "patience", patience, "how much longer than in the recording the worker may be silent")
	flags.BoolVar(&json, "json", false, "write the outcome to standard output as JSON")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		worker, err := command(args[1:])
		if err != nil {
			return fails(err)
		}
		worker.Stderr = os.Stderr
		worker.Env = append(os.Environ(), "PORTWORKER_DESCRIPTORS=0,1")
		file, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer file.Close()
		messages, err := recording.Replay{File: file, Command: worker, Patience: patience, Ignore: ignore}.Run()
		return report(messages, err, json)
	}
	return cmd
}

// report says how a replay went.
func report(messages int, err error, json bool) error {
	difference, differs := errors.AsType[*recording.Difference](err)
	if err != nil && !differs {
		return err
	}
	switch {
	case json:
		text, err := termtext.JSON.Append(nil, difference.Term(messages))
		if err != nil {
			return fails(err)
		}
		fmt.Printf("%s\n", text)
	case differs:
		fmt.Println(difference.Error())
	default:
		fmt.Printf("%d messages, no difference\n", messages)
	}
	if differs {
		return &Exit{Status: ExitFailure}
	}
	return nil
}
