//go:build unix

package portworker

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"portworker/dispatch"
	"portworker/internal/cli"
)

// run is Main without the exit.
func run(w *Worker, args []string) int {
	cmd, own := w.command()
	cmd.SetArgs(cli.Arguments(args))
	// What a port starts has no use for the commands, and is not to wait for them to be made.
	if len(args) > 0 || term.IsTerminal(0) {
		cmd.AddCommand(cli.Commands(w.host(own))...)
	}
	err := cmd.Execute()
	if err == nil {
		return exitOK
	}
	status := exitUsage
	if exit, ok := errors.AsType[*cli.Exit](err); ok {
		status = exit.Status
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(os.Stderr, "%s: %s\n", w.config.Name, text)
	}
	return status
}

// descriptorsFlag names the wire for a worker that serves.
const descriptorsFlag = "descriptors"

// command is the worker's command line without its commands, and the worker's own flags.
func (w *Worker) command() (*cobra.Command, *pflag.FlagSet) {
	descriptors, describe := "0,1", false
	cmd := &cobra.Command{
		Use:           w.config.Name,
		Short:         w.config.Name + " runs Go functions for the BEAM",
		Long:          w.about(),
		Version:       w.config.Version,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		CompletionOptions: cobra.CompletionOptions{
			DisableDefaultCmd: true,
		},
	}
	cmd.SetOut(os.Stdout)
	own := w.flags()
	own.StringVar(&descriptors, descriptorsFlag, descriptors, "file descriptors of the wire: input, output")
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.AddFlagSet(own)
	flags.BoolVar(&describe, "describe", false, "write the map of the worker's hello to standard output, in the External Term Format, and exit")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := fromEnvironment(own); err != nil {
			return err
		}
		if describe {
			return w.describe()
		}
		in, out, err := parseDescriptors(descriptors)
		if err != nil {
			return err
		}
		if term.IsTerminal(in) {
			return cmd.Help()
		}
		if err := w.start(); err != nil {
			return err
		}
		return broken(w.serveDescriptors(in, out))
	}
	return cmd, own
}

// flags are the worker's settings and the program's own flags.
func (w *Worker) flags() *pflag.FlagSet {
	flags := pflag.NewFlagSet(w.config.Name, pflag.ContinueOnError)
	flags.SortFlags = false
	for _, setting := range dispatch.Settings() {
		flags.Var(settingFlag{&w.config.Limits, setting}, dashed(setting.Name), setting.Doc)
	}
	if w.config.Flags != nil {
		w.config.Flags(flags)
	}
	return flags
}

// start lets the program get ready: its functions are all there afterwards.
func (w *Worker) start() error {
	if w.config.OnStart == nil {
		return nil
	}
	return broken(w.config.OnStart(w))
}

// broken gives an error the status of a worker that could not go on.
func broken(err error) error {
	if err == nil {
		return nil
	}
	return &cli.Exit{Status: exitBroken, Err: err}
}

// about says what the program is to whoever starts it by hand.
func (w *Worker) about() string {
	name := w.config.Name
	doc := w.config.Doc
	if doc == "" {
		doc = name + " runs Go functions for the BEAM."
	}
	return doc + `

It is a port program: an Erlang or Elixir program starts it, and talks to it in
packets on its standard input and output. The commands are for looking inside.

  Elixir:  {PortWorker, name: MyApp.Worker, command: "` + name + `"} in a supervisor, then
           PortWorker.run(MyApp.Worker, "echo", ["hello"])
  Erlang:  open_port({spawn_executable, "` + name + `"}, [{packet, 4}, binary, exit_status])

Every flag can be given as an environment variable too: --max-running as
` + envName("max-running") + `. Flags win over the environment, and the client's hello wins over both.`
}

// settingFlag is a setting as a flag.
type settingFlag struct {
	limits  *Limits
	setting dispatch.Setting
}

func (f settingFlag) Set(text string) error { return f.limits.Set(f.setting.Name, text) }
func (f settingFlag) String() string        { return f.setting.Default }
func (f settingFlag) Type() string          { return f.setting.Type }

func dashed(name string) string { return strings.ReplaceAll(name, "_", "-") }

func envName(flag string) string {
	return "PORTWORKER_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets every flag that was not given from its environment
// variable, if there is one.
func fromEnvironment(flags *pflag.FlagSet) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		value, ok := os.LookupEnv(envName(f.Name))
		if !ok || f.Changed || failed != nil || f.Name == "help" || f.Name == "version" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			failed = fmt.Errorf("environment variable %s: %w", envName(f.Name), err)
		}
	})
	return failed
}
