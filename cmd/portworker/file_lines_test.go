package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker"
)

func TestFileLinesStreamsLines(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	cases := map[string]struct {
		content string
		want    []any
	}{
		"lines":                        {"one\ntwo\n", []any{"one", "two"}},
		"the last line needs no end":   {"one\ntwo", []any{"one", "two"}},
		"a carriage return is no text": {"one\r\ntwo\r\n", []any{"one", "two"}},
		"empty lines are lines":        {"\n\na\n", []any{"", "", "a"}},
		"an empty file has none":       {"", nil},
		"bytes that are not UTF-8":     {"caf\xe9\n\x00\xff\n", []any{"caf\xe9", "\x00\xff"}},
		"a line longer than a buffer":  {long + "\nb\n", []any{long, "b"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, elements(t, "file.lines", write(t, "f", []byte(tc.content))))
		})
	}
}

func TestFileLinesBoundsALine(t *testing.T) {
	const tooLong = "line 2: expected at most 5 bytes, got more"
	cases := map[string]struct{ second, message string }{
		"at the bound":                 {"12345\n", ""},
		"at the bound, with \\r":       {"12345\r\n", ""},
		"at the bound, without an end": {"12345", ""},
		"past it":                      {"123456\n", tooLong},
		"past it, without an end":      {"123456", tooLong},
		"past every buffer":            {strings.Repeat("x", 100_000), tooLong},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			args := []any{write(t, "f", []byte("a\n"+tc.second)), atoms("max_line", 5)}
			if tc.message == "" {
				assert.Equal(t, []any{"a", "12345"}, elements(t, "file.lines", args...))
				return
			}
			requireStreamFailure(t, []any{"a"}, portworker.Failed, tc.message, "file.lines", args...)
		})
	}
}

func TestFileLinesWaitsToBeAskedAndStops(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("file.lines", nil, write(t, "f", []byte(strings.Repeat("line\n", 100_000))))
	peer.Grant(ref, 2)
	assert.Equal(t, []any{"line", "line"}, peer.Elements(ref, 2))
	requireCancelled(t, peer, ref)
}

func TestFileLinesRefuses(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]struct {
		args    []any
		reason  portworker.Reason
		message string
	}{
		"lines of no length":   {[]any{dir, atoms("max_line", 0)}, portworker.BadArgs, "max_line: expected an integer from 1 to 67108864, got 0"},
		"lines of any length":  {[]any{dir, atoms("max_line", 1<<40)}, portworker.BadArgs, "max_line: expected"},
		"a directory":          {[]any{dir}, portworker.Failed, "expected a regular file, got a directory"},
		"a file there is none": {[]any{filepath.Join(dir, "absent")}, portworker.Failed, "no such file"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			requireStreamFailure(t, nil, tc.reason, tc.message, "file.lines", tc.args...)
		})
	}
}
