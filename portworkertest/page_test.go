package portworkertest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/internal/guide"
	"portworker/portworkertest"
)

func TestTheTestingGuideShowsTheCodeAsItIs(t *testing.T) {
	assert.NotZero(t, guide.ShowsCodeAsItIs(t, "..", "docs/testing.md"))
}

func TestTheTestingGuideNamesEverythingThereIs(t *testing.T) {
	page := guide.Page(t, "..", "docs/testing.md")
	for _, file := range []string{"client.go", "call.go", "task.go", "stream.go", "channel.go", "callback.go", "notify.go", "context.go"} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`(?m)^func (?:\(\w+ \*?[A-Z]\w*(?:\[.*?\])?\) )?([A-Z]\w*)`).FindAllStringSubmatch(string(source), -1) {
			assert.True(t, strings.Contains(page, name[1]), "the page lacks %s of %s", name[1], file)
		}
	}
}

func TestTheTestingGuideShowsAFailureAsItIs(t *testing.T) {
	page := guide.Page(t, "..", "docs/testing.md")
	synctest.Test(t, func(t *testing.T) {
		r := record(t, func(t testing.TB) {
			_, _ = portworkertest.Call[string](portworkertest.Connect(t, newShop()), "price", "apple")
		})
		require.Len(t, r.failures, 1)
		_, message, _ := strings.Cut(r.failures[0], ": ")
		lines := strings.Split(r.log(), "\n")
		require.Len(t, lines, 5)
		for _, line := range []string{message, lines[0], lines[1], lines[2][:50], lines[3], lines[4]} {
			assert.True(t, strings.Contains(page, line), "the page lacks\n%s", line)
		}
	})
}
