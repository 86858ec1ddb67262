package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"portworker/dispatch"
	"portworker/etf"
)

// callOptions are the flags of call.
type callOptions struct {
	syntax   syntaxFlag
	plain    bool // arguments and inputs are texts
	raw      bool // binaries are written as they are
	progress bool
	timeout  milliseconds
	lane     string
	priority string
	meta     map[string]string
}

const callHelp = `Calls a function of this worker, in this process, as a BEAM would call it.

Arguments are terms in the syntax of Erlang or Elixir, or JSON: 42, foo, :foo, "text", <<"text">>, [1, 2],
{ok, 1}, #{a => 1}, %{a: 1}, {"a": 1}. "text" is a binary, 'text' an atom. Where the function takes a binary, what is
no binary is the text itself: call upcase hello. With --string every argument is.

The result goes to standard output; elements of a stream and outputs of a channel do as they come, each in a line. A
channel takes its inputs from standard input, a term per line, until that ends. Progress goes to standard error: as a bar
where that is a terminal and the progress has a total, and as lines otherwise.

Ctrl-C cancels the task; a second one ends the program. The exit status is 0 for a value, 1 for an error, 2 for a
mistake on the command line.`

func (h Host) callCommand() *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use:   "call NAME [ARGUMENT...]",
		Short: "Call a function of this worker",
		Long:  callHelp,
		Example: strings.ReplaceAll(`  portworker call upcase hello
  portworker call range 1 5
  portworker call process_items '["a", :b, {"c": 3}]' --json
  echo get_current | portworker call stateful_worker 10
  portworker call fibonacci 100 --timeout 5s --lane cpu`, "portworker", h.Name),
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: h.completeNames,
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Var(&o.timeout, "timeout", "how long it may take: milliseconds, or 5s, 1m30s")
	flags.StringVar(&o.lane, "lane", "", "where it runs: io, cpu, blocking or dedicated")
	flags.StringVar(&o.priority, "priority", "", "its turn among those that wait: low, normal, high or critical")
	flags.StringToStringVar(&o.meta, "meta", nil, "metadata that travels along, as key=value")
	flags.BoolVar(&o.progress, "progress", true, "show progress")
	flags.BoolVar(&o.plain, "string", false, "take arguments and inputs as texts, not as terms")
	o.syntax.add(flags, "write values to standard output and everything else to standard error as JSON, one per line")
	flags.BoolVar(&o.raw, "raw", false, "write binaries as they are, with nothing around them")
	o.syntax.exclusive(cmd)
	cmd.MarkFlagsMutuallyExclusive("raw", "json")
	return h.inProcess(cmd, func(w Worker, s Streams, args []string) error {
		signals, stop := interrupts()
		defer stop()
		values, fn, err := o.arguments(w, args)
		if err != nil {
			return err
		}
		call := &call{
			name: args[0], kind: fn.Kind, input: fn.Input, options: &o,
			show:    newDisplay(w.Name, s.Out, os.Stderr, term.IsTerminal(int(os.Stderr.Fd())), &o),
			signals: signals,
		}
		return call.run(w, s.In, values)
	})
}

// arguments reads what is called, and with what. The worker's own functions are none of the registered.
func (o *callOptions) arguments(w Worker, args []string) ([]any, *dispatch.Function, error) {
	fn := find(w.Functions, args[0])
	if fn == nil {
		if !strings.HasPrefix(args[0], "$") {
			return nil, nil, unknownFunction(w, args[0])
		}
		fn = &dispatch.Function{Name: args[0]}
		if args[0] == "$pipeline" {
			fn.Kind = dispatch.KindStream
		}
	}
	values, err := arguments(args[1:], fn.Args, o.plain)
	return values, fn, err
}

// message returns what follows the ref in a call.
func (o *callOptions) message(kind dispatch.Kind) etf.Map {
	options := etf.Map{{Key: etf.Atom("progress"), Value: o.progress}}
	add := func(key string, v any) { options = append(options, etf.Pair{Key: etf.Atom(key), Value: v}) }
	if o.timeout.given {
		add("timeout", o.timeout.n)
	}
	if o.lane != "" {
		add("lane", o.lane)
	}
	if o.priority != "" {
		add("priority", o.priority)
	}
	if len(o.meta) > 0 {
		add("meta", o.meta)
	}
	if kind == dispatch.KindStream || kind == dispatch.KindChannel {
		add("credit", int64(elementCredit))
	}
	if kind == dispatch.KindChannel {
		add("input_credit", true)
	}
	return options
}

// milliseconds is a flag: a number of them, or a duration with its unit.
type milliseconds struct {
	n     int64
	given bool
}

func (m *milliseconds) Set(text string) error {
	text = strings.TrimPrefix(text, negative)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		var d time.Duration
		if d, err = time.ParseDuration(text); err == nil {
			n = d.Milliseconds()
		}
	}
	if err != nil || n < 0 {
		return errors.New("expected milliseconds, or a duration as 5s")
	}
	m.n, m.given = n, true
	return nil
}

func (m *milliseconds) String() string {
	if !m.given {
		return ""
	}
	return fmt.Sprint(m.n)
}

func (m *milliseconds) Type() string { return "ms" }
