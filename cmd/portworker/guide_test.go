package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// goBlock is a block of Go on a page, after the file that it is from.
var goBlock = regexp.MustCompile("(?s)<!-- (\\S+) -->\n```go\n(.*?)```\n")

func TestTheStreamingGuideShowsTheCodeAsItIs(t *testing.T) {
	const root = "../.."
	page, err := os.ReadFile(filepath.Join(root, "docs/streaming.md"))
	require.NoError(t, err)
	blocks := goBlock.FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, strings.Count(string(page), "```go\n"), "a block does not say where it is from")
	require.NotEmpty(t, blocks)
	for _, b := range blocks {
		file, err := os.ReadFile(filepath.Join(root, b[1]))
		require.NoError(t, err)
		assert.Contains(t, string(file), b[2], "%s", b[1])
	}
}

// binaryRow is a row of the guide's table of what the binary has.
var binaryRow = regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|")

func TestTheStreamingGuideListsEveryStreamAndChannel(t *testing.T) {
	page, err := os.ReadFile("../../docs/streaming.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## In the binary\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for _, row := range binaryRow.FindAllStringSubmatch(section, -1) {
		listed = append(listed, row[1])
	}
	var offered []string
	for _, f := range functions(t) {
		if field(t, f, "kind") != etf.Atom("function") {
			offered = append(offered, field(t, f, "name").(string))
		}
	}
	assert.ElementsMatch(t, offered, listed)
}
