package examples

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/portworkertest"
	"portworker/streaming"
)

var (
	errBoom = errors.New("boom")
	values  = []int{1, 2, 2, 3}
	s       = streaming.FromSlice(values)
	slow    = after(1, 2*time.Second)
	fast    = after(2, time.Second)
)

func source(context.Context) streaming.Stream[int] { return s }

func square(_ context.Context, n int) (int, error) { return n * n, nil }

func double(n int) int { return 2 * n }

func add(a, b int) int { return a + b }

func lowestLast(_ context.Context, n int) (int, error) {
	<-time.After(time.Duration(4-n) * time.Second)
	return n, nil
}

func after(n int, d time.Duration) streaming.Source[int] {
	return func(ctx context.Context) streaming.Stream[int] {
		return streaming.Take(streaming.Map(streaming.Interval(ctx, d), func(time.Time) int { return n }), 1)
	}
}

// toolkitSources returns the functions that run the page's lines as they are written, by the terms of the row.
func toolkitSources(t *testing.T) map[string]string {
	t.Helper()
	sources := map[string]string{}
	for _, name := range []string{"toolkit_handlers_test.go", "toolkit_primitives_test.go", "toolkit_policies_test.go"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, name, text, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			pair, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if key, ok := pair.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
				terms, err := strconv.Unquote(key.Value)
				require.NoError(t, err)
				sources[terms] = string(text[files.Position(pair.Value.Pos()).Offset:files.Position(pair.Value.End()).Offset])
				return false
			}
			return true
		})
	}
	return sources
}

// runToolkitLine runs the line for a row in a handler, or registers with it and calls twice, and returns what it gave.
func runToolkitLine(t *testing.T, terms string) (gave string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := portworker.New(portworker.Config{})
		calls := 1
		for _, handlers := range []map[string]func(context.Context) (any, error){toolkitHandlers, toolkitPrimitives} {
			if fn, ok := handlers[terms]; ok {
				portworker.Handle0(w, "ask", fn)
			}
		}
		if register, ok := toolkitPolicies()[terms]; ok {
			register(w)
			calls = 2
		}
		portworker.Handle(w, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
		portworker.Handle0(w, "wait", hangs)
		peer := portworkertest.Start(t, w)
		for range calls {
			gave = shown(peer.Call("ask"))
		}
	})
	return gave
}

// shown is a result as the page has it: the reason of a failure, unless it is the handler's own.
func shown(result portworkertest.Result) string {
	switch err := result.Err; {
	case err == nil && result.Value == nil:
		return "nil"
	case err == nil:
		return fmt.Sprint(result.Value)
	case err.Reason != portworker.Failed:
		return "error: " + string(err.Reason)
	default:
		return "error: " + err.Message
	}
}
