package dispatch

import (
	"context"
	"fmt"
	"maps"
	"runtime/pprof"
	"slices"
	"strings"
	"unicode/utf8"

	"portworker/etf"
)

// Kind says how a function is talked to.
type Kind string

// The kinds.
const (
	KindFunction Kind = "function" // one result
	KindStream   Kind = "stream"   // elements against credit, then a result
	KindChannel  Kind = "channel"  // inputs and outputs, then a result
)

// Function is a registered function. Run is required, the name is required;
// the rest describes.
type Function struct {
	// Name is what a call names: 1 to 255 bytes of UTF-8, not beginning with "$".
	Name string
	// Doc is a sentence for people.
	Doc string
	// Kind is KindFunction when empty.
	Kind Kind
	// Lane is where it runs unless a call says otherwise; LaneIO when empty.
	Lane Lane
	// Args are the types of its arguments, in order.
	Args []etf.Type
	// Result is the type of its value; of an element for streams, of an output for
	// channels.
	Result etf.Type
	// Progress is the type of what it reports, or nil.
	Progress *etf.Type
	// Input is the type of a channel's inputs.
	Input etf.Type
	// NoRetain says that Run keeps nothing of its arguments, so that the memory of the packet they came in can be
	// used again when the result has been written.
	NoRetain bool
	// Policies say how Run is run.
	Policies Policies
	// Run does the work and returns the value to encode. It may run more than once, and at
	// the same time, for one task: ctx is that of the attempt.
	Run func(ctx context.Context, t *Task) (any, error)

	guard  *guard          // its policies made ready, or nil
	index  int             // of its counts; 0 for the worker's own
	labels context.Context // of its goroutines in profiles
}

// labelled returns f with its labels, made once.
func (f Function) labelled() *Function {
	f.labels = pprof.WithLabels(context.Background(), pprof.Labels("function", f.Name))
	return &f
}

// breakerStats returns the state of its circuit, or nil.
func (f *Function) breakerStats() *BreakerStats {
	if f.guard == nil {
		return nil
	}
	return f.guard.breaker.stats()
}

// maxNameLength bounds a function's name, in bytes.
const maxNameLength = 255

// Registry holds functions by name. It is filled before it serves and not
// changed after.
type Registry struct {
	functions map[string]*Function
	declared  []etf.Type
}

// Declare makes the names in a type known to clients that create no atoms of
// their own accord: those of error details, say, which no function's type shows.
func (r *Registry) Declare(t etf.Type) { r.declared = append(r.declared, t) }

// types returns what hello declares beyond the functions.
func (r *Registry) types() []etf.Type {
	return append([]etf.Type{etf.TypeFor[Stats](), etf.TypeFor[TaskStack](), etf.TypeFor[EndedTask]()}, r.declared...)
}

// Add registers f. It panics, with the name, when the name is invalid or
// taken: both are mistakes in the program, to be found at its start.
func (r *Registry) Add(f Function) {
	switch {
	case f.Name == "" || len(f.Name) > maxNameLength || !utf8.ValidString(f.Name):
		panic(fmt.Sprintf("portworker: function name %q: expected 1 to %d bytes of UTF-8", f.Name, maxNameLength))
	case strings.HasPrefix(f.Name, "$"):
		panic(fmt.Sprintf("portworker: function name %q: names that begin with $ belong to the worker", f.Name))
	case f.Run == nil:
		panic(fmt.Sprintf("portworker: function %q has no handler", f.Name))
	case r.functions[f.Name] != nil:
		panic(fmt.Sprintf("portworker: function %q is registered twice", f.Name))
	}
	if f.Kind == "" {
		f.Kind = KindFunction
	}
	if f.Lane == "" {
		f.Lane = LaneIO
	}
	if _, ok := laneIndex(f.Lane); !ok {
		panic(fmt.Sprintf("portworker: function %q: %v", f.Name, unknownLane(string(f.Lane))))
	}
	var err error
	if f.guard, err = newGuard(&f); err != nil {
		panic(fmt.Sprintf("portworker: function %q: %v", f.Name, err))
	}
	if r.functions == nil {
		r.functions = make(map[string]*Function)
	}
	f.index = len(r.functions) + 1
	r.functions[f.Name] = f.labelled()
}

// check panics for a fallback that cannot be run: a mistake in the program that
// shows when all functions are there.
func (r *Registry) check() {
	for _, f := range r.functions {
		to := f.Policies.FallbackTo
		if to == "" {
			continue
		}
		if other := r.functions[to]; other == nil || other.Kind != KindFunction || len(other.Args) != len(f.Args) {
			panic(fmt.Sprintf("portworker: function %q falls back to %q: expected a registered function of the same arguments", f.Name, to))
		}
	}
}

// find returns the function of that name, the worker's own included.
func (r *Registry) find(name string) *Function {
	if f := r.functions[name]; f != nil {
		return f
	}
	return builtins[name]
}

// Functions returns the registered functions in the order of their names.
func (r *Registry) Functions() []*Function {
	return slices.SortedFunc(maps.Values(r.functions), func(a, b *Function) int {
		return strings.Compare(a.Name, b.Name)
	})
}

// describe returns the entries of a hello's list of functions.
func (r *Registry) describe() []any {
	functions := r.Functions()
	entries := make([]any, len(functions))
	for i, f := range functions {
		entry := etf.Map{
			{Key: etf.Atom("name"), Value: f.Name},
			{Key: etf.Atom("kind"), Value: etf.Atom(f.Kind)},
			{Key: etf.Atom("args"), Value: f.Args},
			{Key: etf.Atom("result"), Value: f.Result},
			{Key: etf.Atom("doc"), Value: f.Doc},
			{Key: etf.Atom("lane"), Value: etf.Atom(f.Lane)},
		}
		if f.Progress != nil {
			entry = append(entry, etf.Pair{Key: etf.Atom("progress"), Value: *f.Progress})
		}
		if f.Kind == KindChannel {
			entry = append(entry, etf.Pair{Key: etf.Atom("input"), Value: f.Input})
		}
		entries[i] = entry
	}
	return entries
}
