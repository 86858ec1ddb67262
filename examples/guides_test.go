package examples

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/internal/guide"
)

// guides are the pages whose handlers are those of examples/guides. Their Elixir is run by examples/guides/guides.exs.
var guides = []string{"writing-handlers", "deploying", "debugging", "tuning", "coming-from-rustler"}

func TestTheGuidesShowTheCodeAsItIs(t *testing.T) {
	compared := 0
	for _, name := range guides {
		t.Run(name, func(t *testing.T) { compared += guide.ShowsCodeAsItIs(t, "..", "docs/"+name+".md") })
	}
	assert.NotZero(t, compared)
}

// session is a block of commands, each after a dollar sign and before what it prints.
var session = regexp.MustCompile("(?s)```console\n(.*?)```\n")

func TestTheGuidesCommandsPrintWhatIsShown(t *testing.T) {
	shell, err := exec.LookPath("sh")
	require.NoError(t, err)
	dir := t.TempDir()
	command(t, "..", "go", "build", "-o", filepath.Join(dir, "bin")+"/", "./examples/guides", "./cmd/portworker")
	for _, name := range guides {
		for _, block := range session.FindAllStringSubmatch(guide.Page(t, "..", "docs/"+name+".md"), -1) {
			for _, step := range strings.Split("\n"+block[1], "\n$ ")[1:] {
				line, shown, _ := strings.Cut(strings.TrimSuffix(step, "\n"), "\n")
				t.Run(name+": "+line, func(t *testing.T) {
					cmd := exec.CommandContext(t.Context(), shell, "-c", line)
					cmd.Dir = dir
					printed, _ := cmd.CombinedOutput() // a call that fails has a status of its own
					assert.Regexp(t, elided(shown), strings.TrimSuffix(string(printed), "\n"))
				})
			}
		}
	}
}

// elided makes a pattern of what is shown: a line with nothing but three dots stands for any lines, and
// three dots elsewhere for anything in the line.
func elided(shown string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(shown)
	pattern = regexp.MustCompile(`(?m)^\s*\\\.\\\.\\\.$`).ReplaceAllString(pattern, `(?s:.*)`)
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `.*`)
	return regexp.MustCompile(`\A` + pattern + `\z`)
}
