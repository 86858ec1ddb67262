//go:build unix

package portworker

import (
	"github.com/spf13/pflag"

	"portworker/internal/cli"
)

// host is this worker as the commands see it; own are the worker's flags.
func (w *Worker) host(own *pflag.FlagSet) cli.Host {
	return cli.Host{
		Name: w.config.Name,
		Flags: func() *pflag.FlagSet {
			flags := pflag.NewFlagSet(w.config.Name, pflag.ContinueOnError)
			own.VisitAll(func(f *pflag.Flag) {
				if f.Name != descriptorsFlag { // nobody else is at the other end
					shared := *f
					flags.AddFlag(&shared)
				}
			})
			return flags
		},
		Ready: func(flags *pflag.FlagSet) (cli.Worker, error) {
			if err := fromEnvironment(flags); err != nil {
				return cli.Worker{}, err
			}
			return w.ready()
		},
		Claim: func(descriptors string) (cli.Streams, error) {
			in, out, err := parseDescriptors(descriptors)
			if err != nil {
				return cli.Streams{}, err
			}
			input, output, err := claimWire(in, out)
			return cli.Streams{In: input, Out: output}, err
		},
	}
}

// ready starts the program for a client in this process.
func (w *Worker) ready() (cli.Worker, error) {
	if err := w.start(); err != nil {
		return cli.Worker{}, err
	}
	return cli.Worker{Name: w.config.Name, Serve: w.Serve, Functions: w.registry.Functions()}, nil
}

// describe writes the map of the worker's hello to standard output. As when it serves, whatever the program
// prints goes to standard error.
func (w *Worker) describe() error {
	_, out, err := claimWire(0, 1)
	if err != nil {
		return broken(err)
	}
	worker, err := w.ready()
	if err != nil {
		return err
	}
	return broken(cli.Describe(worker, out))
}
