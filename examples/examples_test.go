// Package examples holds programs that show how portworker is used. Each is built
// and run by the tests, and those that the README shows are held against it.
package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// block is a code block of the README that is marked with the file it shows.
var block = regexp.MustCompile("(?s)<!-- (examples/\\S+) -->\n```\\w*\n(.*?)```\n")

func TestReadmeShowsTheExamplesAsTheyAre(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	blocks := block.FindAllStringSubmatch(string(readme), -1)
	require.Len(t, blocks, 3)
	for _, b := range blocks {
		file, err := os.ReadFile(filepath.Join("..", b[1]))
		require.NoError(t, err)
		assert.Equal(t, string(file), b[2], b[1])
	}
}

func TestHello(t *testing.T) {
	dir := t.TempDir()
	command(t, "../", "go", "build", "-o", filepath.Join(dir, "bin/hello"), "./examples/hello")
	want, err := os.ReadFile("hello/output.txt")
	require.NoError(t, err)
	script, err := filepath.Abs("hello/hello.exs")
	require.NoError(t, err)
	assert.Equal(t, string(want), command(t, dir, "elixir", "-pa", client(t), "--app", "portworker", script))
}

// What scripts/run-examples does not know is not run by anything.
func TestEveryOutputIsCompared(t *testing.T) {
	script, err := os.ReadFile("../scripts/run-examples")
	require.NoError(t, err)
	index, err := os.ReadFile("README.md")
	require.NoError(t, err)
	outputs, err := filepath.Glob("*/output.txt")
	require.NoError(t, err)
	names := regexp.MustCompile(`(?m)^all="(.*)"$`).FindSubmatch(script)
	require.NotNil(t, names)
	for i, output := range outputs {
		outputs[i] = filepath.Dir(output)
		assert.Contains(t, string(index), "\n| ["+outputs[i]+"]")
	}
	assert.ElementsMatch(t, outputs, strings.Fields(string(names[1])))
}

// client compiles the Elixir library and returns where its modules are.
func client(t *testing.T) string {
	t.Helper()
	command(t, "../elixir_client", "mix", "compile")
	ebin, err := filepath.Abs("../elixir_client/_build/dev/lib/portworker/ebin")
	require.NoError(t, err)
	return ebin
}

// command runs a program in dir and returns what it prints.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	require.NoError(t, err, "%s is missing: make test installs it", name)
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MIX_ENV=dev", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v\n%s", name, args, out)
	return string(out)
}
