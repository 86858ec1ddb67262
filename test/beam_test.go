package test

import (
	"bufio"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBEAM runs beam/must_hold.escript: the black-box rules over a real port,
// with nothing on the other side but Erlang/OTP.
func TestBEAM(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	fixtureBinary, err := buildFixture()
	require.NoError(t, err)
	cmd := exec.CommandContext(ctx, erlang(t, "escript"), "beam/must_hold.escript", workerBinary, fixtureBinary)
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())

	line := regexp.MustCompile(`^(ok|not ok) \d+ - (.*)$`)
	var summary string
	var reported []string // each rule's line, and what follows it when it failed
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		text := lines.Text()
		switch {
		case line.MatchString(text):
			reported = append(reported, text)
		case strings.HasPrefix(text, "#") && len(reported) > 0:
			reported[len(reported)-1] += "\n" + text
		default:
			summary = text
		}
	}
	err = cmd.Wait()
	require.NoError(t, ctx.Err())
	for _, report := range reported {
		first, why, _ := strings.Cut(report, "\n")
		match := line.FindStringSubmatch(first)
		t.Run(match[2], func(t *testing.T) {
			assert.Equal(t, "ok", match[1], "%s", why)
		})
	}
	t.Log(summary)
	assert.NoError(t, err, "%s", &stderr)
	assert.Regexp(t, `^\d+ passed, 0 failed$`, summary)
}
