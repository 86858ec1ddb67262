package portworkertest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/portworkertest"
)

// goBlock is a block of Go on a page, after the file that it is from.
var goBlock = regexp.MustCompile("(?s)<!-- portworkertest/(\\S+) -->\n```go\n(.*?)```\n")

func TestTheTestingGuideShowsTheCodeAsItIs(t *testing.T) {
	page, err := os.ReadFile("../docs/testing.md")
	require.NoError(t, err)
	blocks := goBlock.FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, strings.Count(string(page), "```go\n"), "a block does not say where it is from")
	require.NotEmpty(t, blocks)
	for _, b := range blocks {
		file, err := os.ReadFile(b[1])
		require.NoError(t, err)
		assert.True(t, strings.Contains(string(file), b[2]), "%s has not:\n%s", b[1], b[2])
	}
}

func TestTheTestingGuideNamesEverythingThereIs(t *testing.T) {
	page, err := os.ReadFile("../docs/testing.md")
	require.NoError(t, err)
	for _, file := range []string{"client.go", "call.go", "task.go", "stream.go", "channel.go", "callback.go", "notify.go", "context.go"} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`(?m)^func (?:\(\w+ \*?[A-Z]\w*(?:\[.*?\])?\) )?([A-Z]\w*)`).FindAllStringSubmatch(string(source), -1) {
			assert.True(t, strings.Contains(string(page), name[1]), "the page lacks %s of %s", name[1], file)
		}
	}
}

func TestTheTestingGuideShowsAFailureAsItIs(t *testing.T) {
	page, err := os.ReadFile("../docs/testing.md")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		r := record(t, func(t testing.TB) {
			_, _ = portworkertest.Call[string](portworkertest.Connect(t, newShop()), "price", "apple")
		})
		require.Len(t, r.failures, 1)
		_, message, _ := strings.Cut(r.failures[0], ": ")
		lines := strings.Split(r.log(), "\n")
		require.Len(t, lines, 5)
		for _, line := range []string{message, lines[0], lines[1], lines[2][:50], lines[3], lines[4]} {
			assert.True(t, strings.Contains(string(page), line), "the page lacks\n%s", line)
		}
	})
}
