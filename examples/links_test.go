package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/internal/guide"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	inline  = regexp.MustCompile("`[^`\n]*`")
)

// pages are all that people read, from the root of the repository.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.livemd", "examples/*.md", "bench/*.md"} {
		found, err := filepath.Glob(filepath.Join("..", pattern))
		require.NoError(t, err)
		all = append(all, found...)
	}
	return all
}

func prose(t *testing.T, path string) string {
	t.Helper()
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	return fenced.ReplaceAllString(string(page), "")
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		text := inline.ReplaceAllString(prose(t, page), "")
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			path, anchor, _ := strings.Cut(l[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			_, err := os.Stat(target)
			if !assert.NoError(t, err, "%s links to %s", page, l[1]) || anchor == "" {
				continue
			}
			assert.Contains(t, anchors(prose(t, target)), anchor, "%s links to %s", page, l[1])
		}
	}
}

// anchors are what a page's headings can be linked by.
func anchors(page string) []string {
	var all []string
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		kept := regexp.MustCompile(`[^\p{L}\p{N}\s_-]`).ReplaceAllString(strings.ToLower(h[1]), "")
		all = append(all, strings.ReplaceAll(kept, " ", "-"))
	}
	return all
}

func TestTheIndexHasEveryPage(t *testing.T) {
	index := guide.Page(t, "..", "docs/README.md")
	for _, page := range pages(t) {
		if name, ok := strings.CutPrefix(page, "../docs/"); ok && name != "README.md" {
			assert.Contains(t, index, "]("+name+")")
		}
	}
}

// settingRow is a row of the protocol's table of settings.
var settingRow = regexp.MustCompile("(?m)^\\| `(\\w+)` \\|")

func TestTheGuidesExplainEverySetting(t *testing.T) {
	_, table, found := strings.Cut(guide.Page(t, "..", "docs/protocol.md"), "## Settings and limits")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n## ")
	settings := settingRow.FindAllStringSubmatch(table, -1)
	require.NotEmpty(t, settings)
	explained := guide.Page(t, "..", "docs/deploying.md") + guide.Page(t, "..", "docs/tuning.md") + guide.Page(t, "..", "docs/debugging.md")
	for _, s := range settings {
		assert.Regexp(t, "\\b"+s[1]+"\\b", explained)
	}
}
