package test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every console block of docs/command-line.md is run as a user would type it.
func TestTheCommandLinePageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/command-line.md")
	require.NoError(t, err)
	blocks := strings.Split(string(page), "```console\n")[1:]
	require.Greater(t, len(blocks), 5, "the page's examples were read")
	bin := t.TempDir()
	worker, err := filepath.Abs(workerBinary)
	require.NoError(t, err)
	require.NoError(t, os.Symlink(worker, filepath.Join(bin, "portworker")))
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		dir := t.TempDir()
		for example := range strings.SplitSeq(strings.TrimPrefix(block, "$ "), "\n$ ") {
			command, shown, _ := strings.Cut(example, "\n")
			t.Run(command, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				cmd := exec.CommandContext(ctx, "bash", "-c", command)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
				got, _ := cmd.CombinedOutput()
				assert.Equal(t, strings.TrimRight(shown, "\n"), strings.TrimRight(string(got), "\n"))
			})
		}
	}
}
