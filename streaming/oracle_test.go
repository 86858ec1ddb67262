package streaming_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/streaming"
)

// TestElixirAgrees runs what Elixir has too on the same lists here and there.
func TestElixirAgrees(t *testing.T) {
	elixir := startOracle(t)
	agree := func(name string, here func(xs []int, k int) (any, error)) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				xs, k := drawInts(t), drawK(t)
				got, err := here(xs, k)
				require.NoError(t, err)
				require.Equal(t, elixir.ask(t, name, xs, k), inspect(got))
			})
		})
	}
	for _, l := range laws {
		if l.elixir {
			agree(l.name, func(xs []int, k int) (any, error) {
				return streaming.Collect(l.stream(streaming.FromSlice(xs), k))
			})
		}
	}
	for _, v := range verdicts {
		if v.elixir {
			agree(v.name, func(xs []int, k int) (any, error) { return v.of(streaming.FromSlice(xs), k) })
		}
	}
	agree("unfold", func(xs []int, k int) (any, error) {
		return streaming.Collect(streaming.Unfold(len(xs), func(n int) (int, int, bool) { return n * k, n - 1, n > 0 }))
	})
	agree("repeat_n", func(xs []int, k int) (any, error) { return streaming.Collect(streaming.RepeatN(len(xs), k)) })
}

// oracle is a running testdata/oracle.exs.
type oracle struct {
	in  io.Writer
	out *bufio.Scanner
}

func startOracle(t *testing.T) *oracle {
	path, err := exec.LookPath("elixir")
	require.NoError(t, err, "Elixir is missing: `make deps-beam` or https://elixir-lang.org/install.html")
	cmd := exec.Command(path, "testdata/oracle.exs")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		require.NoError(t, cmd.Wait())
	})
	return &oracle{in: in, out: bufio.NewScanner(out)}
}

func (o *oracle) ask(t require.TestingT, operation string, xs []int, k int) string {
	_, err := fmt.Fprintf(o.in, "{:%s, %s, %d}\n", operation, inspect(xs), k)
	require.NoError(t, err)
	require.True(t, o.out.Scan(), "the oracle has ended: %v", o.out.Err())
	return o.out.Text()
}

// inspect writes a value as Elixir does: a struct here is a tuple there.
func inspect(value any) string {
	v := reflect.ValueOf(value)
	var parts []string
	switch v.Kind() {
	case reflect.Invalid:
		return "nil"
	case reflect.Slice:
		for i := range v.Len() {
			parts = append(parts, inspect(v.Index(i).Interface()))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case reflect.Struct:
		for i, f := range reflect.VisibleFields(v.Type()) {
			if f.IsExported() {
				parts = append(parts, inspect(v.Field(i).Interface()))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return fmt.Sprint(value)
	}
}
