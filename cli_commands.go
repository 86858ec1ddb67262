//go:build unix

package portworker

import (
	"portworker/internal/cli"
)

// inProcess runs a command that talks to the worker in this process. As when it is served, whatever
// a handler or a dependency prints goes to standard error, and nothing of theirs reads the input.
func (w *Worker) inProcess(status *int, command func(cli.Worker, cli.Streams) error) error {
	in, out, err := claimWire(0, 1)
	if err == nil {
		if err = w.start(status); err == nil {
			err = command(cli.Worker{Name: w.config.Name, Serve: w.Serve}, cli.Streams{In: in, Out: out})
		}
	}
	if err != nil && *status == exitOK {
		*status = exitBroken
	}
	return err
}
