package filesearch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"portworker/cmd/portworker/internal/filesearch"
	"portworker/streaming"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tree writes files, given by their path below a fresh directory, and returns that directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return root
}

func query(root, pattern string) filesearch.Query {
	return filesearch.Query{
		Pattern: regexp.MustCompile(pattern), Root: root, MaxResults: 1000, MaxFileSize: 1 << 20,
	}
}

// search runs a search to its end.
func search(ctx context.Context, q filesearch.Query, report func(filesearch.Progress) error) ([]filesearch.Match, error) {
	return streaming.Collect(filesearch.Matches(ctx, q, report))
}

func quiet(filesearch.Progress) error { return nil }

// places lists matches as path:line:column, the path below root.
func places(t *testing.T, root string, matches []filesearch.Match) []string {
	t.Helper()
	list := []string{}
	for _, m := range matches {
		below, err := filepath.Rel(root, m.Path)
		require.NoError(t, err)
		list = append(list, fmt.Sprintf("%s:%d:%d", below, m.Line, m.Column))
	}
	return list
}

func TestSearchFindsLinesAndColumns(t *testing.T) {
	cases := map[string]struct {
		content, pattern string
		want             []string
	}{
		"each matching line once":       {"one two one\ntwo\none\n", `one`, []string{"f:1:1", "f:3:1"}},
		"the column counts characters":  {"żółw żaba\n", `żaba`, []string{"f:1:6"}},
		"anchors bind to the line":      {"ab\nb\n", `^b$`, []string{"f:2:1"}},
		"a carriage return is no text":  {"ab\r\nb\r\n", `b$`, []string{"f:1:2", "f:2:1"}},
		"the last line needs no end":    {"a\nb", `b`, []string{"f:2:1"}},
		"no match goes over a line end": {"a\nb\n", `a\sb`, []string{}},
		"case can be ignored":           {"Hello\n", `(?i)hELLO`, []string{"f:1:1"}},
		"an empty match is a match":     {"x\n", `y*`, []string{"f:1:1"}},
		"an empty file has no lines":    {"", `.*`, []string{}},
		"a file with a NUL is binary":   {"text\x00text\n", `text`, []string{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			root := tree(t, map[string]string{"f": tc.content})
			matches, err := search(t.Context(), query(root, tc.pattern), quiet)
			require.NoError(t, err)
			assert.Equal(t, tc.want, places(t, root, matches))
		})
	}
}

func TestSearchChoosesFiles(t *testing.T) {
	root := tree(t, map[string]string{
		"a.go":          "x",
		"a/b.go":        "x",
		"a/b.txt":       "x",
		"a/big.txt":     strings.Repeat("x", 100),
		".hidden":       "x",
		".git/config":   "x",
		"vendor/v/v.go": "x",
	})
	require.NoError(t, os.Symlink(filepath.Join(root, "a"), filepath.Join(root, "link")))

	cases := map[string]struct {
		change func(*filesearch.Query)
		want   []string
	}{
		"all but hidden ones, by name": {
			func(*filesearch.Query) {},
			[]string{"a/b.go:1:1", "a/b.txt:1:1", "a/big.txt:1:1", "a.go:1:1", "vendor/v/v.go:1:1"},
		},
		"hidden ones too": {
			func(q *filesearch.Query) { q.Hidden = true; q.Include = "[.c]*" },
			[]string{".git/config:1:1", ".hidden:1:1"},
		},
		"a glob on the name": {
			func(q *filesearch.Query) { q.Include = "*.go" },
			[]string{"a/b.go:1:1", "a.go:1:1", "vendor/v/v.go:1:1"},
		},
		"a glob on the path": {
			func(q *filesearch.Query) { q.Include = "a/*.go" },
			[]string{"a/b.go:1:1"},
		},
		"no large ones": {
			func(q *filesearch.Query) { q.MaxFileSize = 99; q.Include = "*.txt" },
			[]string{"a/b.txt:1:1"},
		},
		"the first in order": {
			func(q *filesearch.Query) { q.MaxResults = 2 },
			[]string{"a/b.go:1:1", "a/b.txt:1:1"},
		},
		"the root as a link": {
			func(q *filesearch.Query) { q.Root = filepath.Join(root, "link"); q.Include = "*.go" },
			[]string{"link/b.go:1:1"},
		},
		"the root as one file, whatever its name": {
			func(q *filesearch.Query) { q.Root = filepath.Join(root, ".hidden"); q.Include = "*.go" },
			[]string{".hidden:1:1"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			q := query(root, "x")
			tc.change(&q)
			matches, err := search(t.Context(), q, quiet)
			require.NoError(t, err)
			assert.Equal(t, tc.want, places(t, root, matches))
		})
	}
}

func TestSearchKeepsRelativePathsRelative(t *testing.T) {
	t.Chdir(tree(t, map[string]string{"sub/f": "x"}))
	for _, root := range []string{".", "sub", "./sub/"} {
		matches, err := search(t.Context(), query(root, "x"), quiet)
		require.NoError(t, err)
		require.Len(t, matches, 1)
		assert.Equal(t, "sub/f", matches[0].Path)
	}
}

func TestSearchShowsTextThatIsShortAndValid(t *testing.T) {
	long := strings.Repeat("é", 500) + "needle" + strings.Repeat("ü", 500)
	cases := map[string]struct{ line, want string }{
		"a short line whole":          {"  a needle here", "  a needle here"},
		"bytes that are not UTF-8":    {"caf\xe9 needle", "caf\uFFFD needle"},
		"a long line, around it":      {long, "…" + strings.Repeat("é", 30) + "needle" + strings.Repeat("ü", 87) + "…"},
		"a long line, at its start":   {"needle" + strings.Repeat(".", 500), "needle" + strings.Repeat(".", 234) + "…"},
		"a long line, at its end":     {strings.Repeat(".", 500) + "needle", "…" + strings.Repeat(".", 234) + "needle"},
		"a long line that is no text": {strings.Repeat("\x80", 500) + "needle", "…\uFFFDneedle"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			root := tree(t, map[string]string{"f": tc.line})
			matches, err := search(t.Context(), query(root, "needle"), quiet)
			require.NoError(t, err)
			require.Len(t, matches, 1)
			assert.Equal(t, tc.want, matches[0].Text)
		})
	}
}

func TestSearchReportsHowFarItIs(t *testing.T) {
	files := map[string]string{"z.bin": "\x00"}
	for i := range 199 {
		files[fmt.Sprintf("%03d", i)] = "x\n"
	}
	var reports []filesearch.Progress
	_, err := search(t.Context(), query(tree(t, files), "x"), func(p filesearch.Progress) error {
		reports = append(reports, p)
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []filesearch.Progress{
		{Files: 64, Matches: 64},
		{Files: 128, Matches: 128},
		{Files: 192, Matches: 192},
		{Files: 199, Skipped: 1, Matches: 199},
	}, reports)
}

// withoutPrivileges makes the process somebody who cannot read everything, as root can, until
// the test ends.
func withoutPrivileges(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	require.NoError(t, syscall.Seteuid(nobody))
	t.Cleanup(func() { require.NoError(t, syscall.Seteuid(0)) })
}

func TestSearchSkipsWhatItCannotRead(t *testing.T) {
	withoutPrivileges(t)
	root := tree(t, map[string]string{"closed/f": "x", "f": "x", "g": "x"})
	require.NoError(t, os.Chmod(filepath.Join(root, "f"), 0))
	require.NoError(t, os.Chmod(filepath.Join(root, "closed"), 0))
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "closed"), 0o700) })

	matches, err := search(t.Context(), query(root, "x"), quiet)
	require.NoError(t, err)
	assert.Equal(t, []string{"g:1:1"}, places(t, root, matches))
}

func TestSearchNeedsItsRoot(t *testing.T) {
	_, err := search(t.Context(), query(filepath.Join(t.TempDir(), "absent"), "x"), quiet)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestSearchStopsWithItsContext(t *testing.T) {
	files := map[string]string{}
	for i := range 500 {
		files[fmt.Sprintf("%03d", i)] = "x\n"
	}
	root := tree(t, files)
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())

	matches, err := search(ctx, query(root, "x"), func(filesearch.Progress) error {
		cancel(cause)
		return nil
	})
	assert.ErrorIs(t, err, cause)
	assert.Less(t, len(matches), 500)
}

func TestSearchOfManyMatchesInOneFileKeepsThemAll(t *testing.T) {
	root := tree(t, map[string]string{"a": strings.Repeat("x\n", 1000), "b": "x"})
	matches, err := search(t.Context(), filesearch.Query{
		Pattern: regexp.MustCompile("x"), Root: root, MaxResults: 5000, MaxFileSize: 1 << 20,
	}, quiet)
	require.NoError(t, err)
	require.Len(t, matches, 1001)
	for i, m := range matches[:1000] {
		require.Equal(t, i+1, m.Line)
	}
}

func TestSearchWaitsForItsGoroutinesWhenTheConsumerStops(t *testing.T) {
	root := tree(t, map[string]string{"a": strings.Repeat("x\n", 10_000), "b": strings.Repeat("x\n", 10_000)})
	for match, err := range filesearch.Matches(t.Context(), query(root, "x"), quiet) {
		require.NoError(t, err)
		assert.Equal(t, 1, match.Line)
		break
	}
	assert.Zero(t, searching(), "goroutines that search")
}

// searching counts the goroutines of searches. One that is waited for may not be gone yet, but it is in none of their functions
// any more.
func searching() int {
	stacks := make([]byte, 1<<20)
	return bytes.Count(stacks[:runtime.Stack(stacks, true)], []byte("filesearch.search.func"))
}

func TestSearchStopsWhenNobodyListens(t *testing.T) {
	gone := errors.New("the task is over")
	_, err := search(t.Context(), query(tree(t, map[string]string{"f": "x"}), "x"),
		func(filesearch.Progress) error { return gone })
	assert.ErrorIs(t, err, gone)
}
