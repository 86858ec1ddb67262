package cli

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"portworker/dispatch"
	"portworker/etf"
	"portworker/internal/termtext"
)

func (h Host) functionsCommand() *cobra.Command {
	var json bool
	cmd := &cobra.Command{
		Use:     "functions",
		Short:   "List the worker's functions",
		Long:    "Lists the worker's functions: their kinds, types and lanes, and the first sentences of what they say of themselves.",
		Example: `  ` + h.Name + ` functions` + "\n" + `  ` + h.Name + ` functions --json | jq -r '.[].name'`,
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&json, "json", false, "write the list as the worker's hello has it, in JSON")
	return h.inProcess(cmd, func(w Worker, s Streams, _ []string) error {
		if json {
			return writeHello(w, s.Out, "functions", nil)
		}
		return listFunctions(s.Out, w.Functions)
	})
}

func listFunctions(out io.Writer, functions []*dispatch.Function) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tKIND\tARGUMENTS -> RESULT\tLANE\tABOUT")
	for _, f := range functions {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", f.Name, f.Kind, signature(f, short), f.Lane, firstSentence(f.Doc))
	}
	return table.Flush()
}

// signature shows the arguments and the result of a function, each as text has it.
func signature(f *dispatch.Function, text func(etf.Type) string) string {
	args := make([]string, len(f.Args))
	for i, arg := range f.Args {
		args[i] = text(arg)
	}
	signature := "(" + strings.Join(args, ", ") + ") -> " + text(f.Result)
	if f.Kind != dispatch.KindFunction {
		signature += ", ..."
	}
	return signature
}

// shortType is how long a type may be in a table, in bytes.
const shortType = 20

// short leaves out what is inside a long type.
func short(t etf.Type) string {
	text := t.String()
	if len(text) <= shortType {
		return text
	}
	switch t.Kind {
	case etf.KindStruct, etf.KindMap:
		return "%{...}"
	case etf.KindList:
		return "[" + short(*t.Elem) + "]"
	case etf.KindTuple:
		return "{...}"
	case etf.KindOptional:
		return short(*t.Elem) + " | nil"
	case etf.KindUnion:
		return "{...} | ..."
	case etf.KindNamed:
		return t.Name
	}
	return text
}

func firstSentence(doc string) string {
	if end := strings.Index(doc, ". "); end >= 0 {
		return doc[:end+1]
	}
	return doc
}

func (h Host) describeCommand() *cobra.Command {
	var json bool
	cmd := &cobra.Command{
		Use:   "describe [NAME]",
		Short: "Show all there is to know of the worker, or of a function",
		Long: "Shows a function's types, lane and policies, and all that it says of itself; without a name, the worker's\n" +
			"version and settings and all functions.",
		Example:           `  ` + h.Name + ` describe upcase` + "\n" + `  ` + h.Name + ` describe --json | jq .limits`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: h.completeNames,
	}
	cmd.Flags().BoolVar(&json, "json", false, "write what the worker's hello says, in JSON")
	return h.inProcess(cmd, func(w Worker, s Streams, args []string) error {
		var only *dispatch.Function
		if len(args) == 1 {
			if only = find(w.Functions, args[0]); only == nil {
				return unknownFunction(w, args[0])
			}
		}
		switch {
		case json && only != nil:
			return writeHello(w, s.Out, "functions", only)
		case json:
			return writeHello(w, s.Out, "", nil)
		case only != nil:
			return describeFunction(s.Out, only)
		}
		return describeWorker(w, s.Out)
	})
}

func find(functions []*dispatch.Function, name string) *dispatch.Function {
	i := slices.IndexFunc(functions, func(f *dispatch.Function) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return functions[i]
}

func unknownFunction(w Worker, name string) error {
	return &Exit{Status: ExitUsage, Err: fmt.Errorf("no function %q: %s functions lists those there are", name, w.Name)}
}

// describeWorker writes all of the hello as people read it.
func describeWorker(w Worker, out io.Writer) error {
	hello, err := greeting(w)
	if err != nil {
		return err
	}
	get := func(key string) any { v, _ := hello.Get(etf.Atom(key)); return v }
	fmt.Fprintf(out, "%s %s, protocol %v\n\n", get("name"), get("version"), get("protocol"))
	if limits, ok := get("limits").(etf.Map); ok {
		fmt.Fprintln(out, "settings:")
		for _, limit := range limits {
			fmt.Fprintf(out, "  %v: %s\n", limit.Key, termtext.Elixir.Text(limit.Value))
		}
		fmt.Fprintln(out)
	}
	for i, f := range w.Functions {
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := describeFunction(out, f); err != nil {
			return err
		}
	}
	return nil
}

func describeFunction(out io.Writer, f *dispatch.Function) error {
	fmt.Fprintf(out, "%s%s\n", f.Name, signature(f, etf.Type.String))
	fmt.Fprintf(out, "  kind: %s\n  lane: %s\n", f.Kind, f.Lane)
	if f.Kind == dispatch.KindChannel {
		fmt.Fprintf(out, "  input: %s\n", f.Input)
	}
	if f.Progress != nil {
		fmt.Fprintf(out, "  progress: %s\n", f.Progress)
	}
	for _, policy := range policies(f.Policies) {
		fmt.Fprintf(out, "  %s\n", policy)
	}
	var err error
	if f.Doc != "" {
		_, err = fmt.Fprintf(out, "  %s\n", f.Doc)
	}
	return err
}

// policies shows those a function has, from the outside in.
func policies(p dispatch.Policies) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch {
	case p.FallbackTo != "":
		add("fallback: %s", p.FallbackTo)
	case p.Fallback != nil:
		add("fallback: yes")
	}
	if r := p.Retry; r != nil {
		add("retry: %s", settings(*r))
	}
	if r := p.Rate; r != nil {
		add("rate: %v per second, %d at once", r.PerSecond, r.Burst)
	}
	if p.TimeLimit != nil {
		add("time limit: %v", p.TimeLimit.Round(time.Microsecond))
	}
	if b := p.Breaker; b != nil {
		add("breaker: %s", settings(*b))
	}
	if h := p.Hedge; h != nil {
		add("hedge: after %v, up to %d more", h.After, h.Max)
	}
	return lines
}

// settings shows the fields of a policy that are set.
func settings(policy any) string {
	v := reflect.ValueOf(policy)
	var set []string
	for i := range v.NumField() {
		if field := v.Field(i); !field.IsZero() {
			set = append(set, fmt.Sprintf("%s %v", v.Type().Field(i).Name, field.Interface()))
		}
	}
	if set == nil {
		return "defaults"
	}
	return strings.Join(set, ", ")
}

// greeting returns the worker's hello.
func greeting(w Worker) (etf.Map, error) {
	c := dial(w)
	term, err := c.hello()
	var hello etf.Map
	if err == nil {
		err = etf.Decode(term, &hello)
	}
	if closed := c.close(); err == nil {
		err = closed
	}
	return hello, err
}

// writeHello writes a part of the worker's hello as JSON: the value of a key, or all of it. Of functions it may be
// one only.
func writeHello(w Worker, out io.Writer, key string, only *dispatch.Function) error {
	hello, err := greeting(w)
	if err != nil {
		return err
	}
	var part any = hello
	if key != "" {
		part, _ = hello.Get(etf.Atom(key))
	}
	if list, ok := part.([]any); ok && only != nil {
		for _, entry := range list {
			if entry, ok := entry.(etf.Map); ok {
				if name, _ := entry.Get(etf.Atom("name")); name == only.Name {
					part = entry
				}
			}
		}
	}
	text, err := termtext.JSON.Append(nil, part)
	if err == nil {
		_, err = out.Write(append(text, '\n'))
	}
	return err
}
