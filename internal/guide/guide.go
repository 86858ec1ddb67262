// Package guide holds pages of documentation to the code they show. It is for tests.
package guide

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// block is a block of code after a comment with the file that it is a part of, and perhaps
// one for the reader's eyes.
var block = regexp.MustCompile("(?s)<!-- ([\\w./-]+) -->\n(?:<!--[^\n]*-->\n)?\n?```(\\w*)\n(.*?)```\n")

// Page returns the text of a page, which is named from the root of the repository.
func Page(t testing.TB, root, name string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(page)
}

// ShowsCodeAsItIs fails the test if a block of Go on the page does not say which file it
// is from, or if a file has not what the page shows of it. It returns how many blocks it
// has compared.
func ShowsCodeAsItIs(t testing.TB, root, name string) (compared int) {
	t.Helper()
	page := Page(t, root, name)
	inGo := 0
	for _, b := range block.FindAllStringSubmatch(page, -1) {
		file, language, code := b[1], b[2], b[3]
		compared++
		if language == "go" {
			inGo++
		}
		assert.True(t, contains(Page(t, root, file), code), "%s shows what %s has not:\n%s", name, file, code)
	}
	assert.Equal(t, strings.Count(page, "```go\n"), inGo, "%s: a block of Go does not say where it is from", name)
	return compared
}

// contains reports whether a file has the code, perhaps inside a function or a module: as
// a whole further to the right.
func contains(file, code string) bool {
	for _, indent := range []string{"", "\t", "\t\t", "  ", "    ", "      "} {
		if strings.Contains(file, lineStart.ReplaceAllString(code, indent+"$0")) {
			return true
		}
	}
	return false
}

// lineStart is the first character of a line that is not empty.
var lineStart = regexp.MustCompile(`(?m)^.`)
