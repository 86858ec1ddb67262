package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
)

func TestFileGrepReturnsMatches(t *testing.T) {
	path := write(t, "notes.txt", []byte("one\nand two\n"))
	dir := filepath.Dir(path)
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".draft.txt"), []byte("two\n"), 0o600))

	hit := func(name string, line, column int64, text string) any {
		return atoms("path", filepath.Join(dir, name), "line", line, "column", column, "text", text)
	}
	cases := map[string]struct {
		args []any
		want []any
	}{
		"without options":    {[]any{"tw.", dir}, []any{hit("notes.txt", 2, 5, "and two")}},
		"nil for options":    {[]any{"tw.", dir, nil}, []any{hit("notes.txt", 2, 5, "and two")}},
		"hidden files too":   {[]any{"tw.", dir, atoms("hidden", true)}, []any{hit(".draft.txt", 1, 1, "two"), hit("notes.txt", 2, 5, "and two")}},
		"one result":         {[]any{"one|two", dir, atoms("max_results", 1)}, []any{hit("notes.txt", 1, 1, "one")}},
		"other files":        {[]any{"tw.", dir, atoms("include", "*.go")}, []any{}},
		"files of ten bytes": {[]any{"tw.", dir, atoms("max_file_size", 10)}, []any{}},
		"a single file":      {[]any{"tw.", path}, []any{hit("notes.txt", 2, 5, "and two")}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, value(t, "file.grep", tc.args...))
		})
	}
}

func TestFileGrepReportsAtTheEnd(t *testing.T) {
	progress := connect(t).Call("file.grep", "x", write(t, "f", []byte("x\nx\n"))).Progress
	assert.Equal(t, []any{atoms("files", int64(1), "skipped", int64(0), "matches", int64(2))}, progress)
}

func TestFileGrepRefuses(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]struct {
		args    []any
		reason  portworker.Reason
		message string
	}{
		"half a pattern":       {[]any{"(", dir}, portworker.BadArgs, "pattern: expected a regular expression in RE2 syntax, got error parsing regexp: missing closing ): `(`"},
		"a backreference":      {[]any{`(a)\1`, dir}, portworker.BadArgs, "RE2"},
		"half a glob":          {[]any{"a", dir, atoms("include", "[a")}, portworker.BadArgs, `include: expected a glob such as *.go, got "[a"`},
		"no results at all":    {[]any{"a", dir, atoms("max_results", 0)}, portworker.BadArgs, "max_results: expected an integer from 1 to 100000, got 0"},
		"too many results":     {[]any{"a", dir, atoms("max_results", 100_001)}, portworker.BadArgs, "max_results: expected"},
		"files of no size":     {[]any{"a", dir, atoms("max_file_size", 0)}, portworker.BadArgs, "max_file_size: expected an integer from 1 to 1073741824, got 0"},
		"a place there is not": {[]any{"a", dir + "/absent"}, portworker.Failed, "absent: no such file or directory"},
		"options as a list":    {[]any{"a", dir, []any{"hidden"}}, portworker.BadArgs, "expected"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			requireFailure(t, tc.reason, tc.message, "file.grep", tc.args...)
		})
	}
}

func TestFileGrepStreamIsFileGrepBitByBit(t *testing.T) {
	dir := t.TempDir()
	for i := range 40 {
		content := strings.Repeat(fmt.Sprintf("match %d\nother\n", i), 100)
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.txt", i)), []byte(content), 0o600))
	}
	peer := connect(t)
	ref := peer.Start("file.grep.stream", atoms("progress", false), "match", dir)
	peer.Grant(ref, 3)
	first := peer.Elements(ref, 3)
	peer.Grant(ref, plenty)
	rest := peer.Await(ref)
	require.Nil(t, rest.Err)
	all := peer.Call("file.grep", "match", dir, atoms("max_results", 4000))
	assert.Equal(t, all.Value, append(first, rest.Elements...))
}

func TestFileGrepStreamHasNoLimitUnlessAsked(t *testing.T) {
	path := write(t, "f", []byte(strings.Repeat("x\n", 2000)))
	assert.Len(t, elements(t, "file.grep.stream", "x", path), 2000)
	assert.Len(t, elements(t, "file.grep.stream", "x", path, atoms("max_results", 7)), 7)
	assert.Len(t, value(t, "file.grep", "x", path), 1000)
}

func TestFileGrepStreamStopsWhenNobodyTakes(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("file.grep.stream", nil, "x", write(t, "f", []byte(strings.Repeat("x\n", 100_000))))
	peer.Grant(ref, 1)
	peer.Elements(ref, 1)
	requireCancelled(t, peer, ref)
}

func TestFileGrepStreamRefuses(t *testing.T) {
	requireStreamFailure(t, nil, portworker.BadArgs, "pattern: expected", "file.grep.stream", "(", t.TempDir())
	requireStreamFailure(t, nil, portworker.Failed, "no such file", "file.grep.stream", "x", t.TempDir()+"/absent")
}

func TestFileGrepEndsWithItsContext(t *testing.T) {
	cause := errors.New("changed my mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := fileGrep(ctx, "x", t.TempDir(), nil)
	assert.ErrorIs(t, err, cause)
}
