package etf

import (
	"reflect"
	"strings"
)

// A TypeError says that a Go type has no form as a term. It is found when a value of the type is first encoded,
// decoded or described.
type TypeError struct {
	// Type is the type without a form.
	Type reflect.Type
	// Path leads to it from the type that was asked for, in Go's names: ".Options.Done".
	Path string
	// Problem says why, and what to use instead where that is known.
	Problem string
}

func (e *TypeError) Error() string {
	return joinPath(e.Path, e.Type.String()+" "+e.Problem)
}

// inType prefixes the path of a TypeError, and leaves the one it was given alone: that may be in the cache.
func inType(err error, step string) error {
	e := *err.(*TypeError)
	e.Path = step + e.Path
	return &e
}

func joinPath(path, text string) string {
	if path == "" {
		return text
	}
	return path + ": " + text
}

// addStep puts a step before a path. Of a very long path it keeps the beginning and the end.
func addStep(step, path string) string {
	const limit, head, tail = 400, 200, 100
	path = step + path
	if len(path) > limit {
		path = strings.ToValidUTF8(path[:head]+"…"+path[len(path)-tail:], "")
	}
	return path
}
