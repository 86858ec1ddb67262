package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
)

// texts is a map with binaries for keys.
func texts(keysAndValues ...string) etf.Map {
	var m etf.Map
	for i := 0; i < len(keysAndValues); i += 2 {
		m = append(m, etf.Pair{Key: keysAndValues[i], Value: keysAndValues[i+1]})
	}
	return m
}

func row(fields ...any) any { return fields }

func TestCSVRowsStreamsRows(t *testing.T) {
	header := atoms("header", true)
	cases := map[string]struct {
		content string
		options any
		want    []any
	}{
		"lists":                      {"a,b\n1,2\n", nil, []any{row("a", "b"), row("1", "2")}},
		"maps":                       {"a,b\n1,2\n3,4\n", header, []any{texts("a", "1", "b", "2"), texts("a", "3", "b", "4")}},
		"a header alone":             {"a,b\n", header, nil},
		"an empty file":              {"", header, nil},
		"rows of several widths":     {"a\n1,2\n", nil, []any{row("a"), row("1", "2")}},
		"quotes":                     {"\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\n", nil, []any{row("a,b", `say "x"`, "two\nlines")}},
		"carriage returns":           {"a,b\r\n1,2\r\n", nil, []any{row("a", "b"), row("1", "2")}},
		"blank lines are no rows":    {"a\n\nb\n", nil, []any{row("a"), row("b")}},
		"a semicolon":                {"a;b,c\n", atoms("separator", ";"), []any{row("a", "b,c")}},
		"a tab":                      {"a\tb\n", atoms("separator", "\t"), []any{row("a", "b")}},
		"a separator beyond ASCII":   {"a→b\n", atoms("separator", "→"), []any{row("a", "b")}},
		"comments":                   {"# x\na\n# y\n", atoms("comment", "#"), []any{row("a")}},
		"quotes within":              {"a \"b\" c\n", atoms("lazy_quotes", true), []any{row(`a "b" c`)}},
		"bytes that are not UTF-8":   {"caf\xe9,\x00\n", nil, []any{row("caf\xe9", "\x00")}},
		"the mark of a spreadsheet":  {"\uFEFFa\n1\n", header, []any{texts("a", "1")}},
		"names that are no atoms":    {"a b,\n1,2\n", header, []any{texts("a b", "1", "", "2")}},
		"a row as long as it may be": {"1234,\n1,345\n", atoms("max_row", 5), []any{row("1234", ""), row("1", "345")}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, elements(t, "csv.rows", write(t, "f.csv", []byte(tc.content)), tc.options))
		})
	}
}

func TestCSVRowsTellsWhereItFailed(t *testing.T) {
	cases := map[string]struct {
		content string
		options any
		before  []any
		message string
		details any
	}{
		"a row of another width": {"a,b\n1,2\n3\n", atoms("header", true), []any{texts("a", "1", "b", "2")},
			"record on line 3: wrong number of fields", atoms("line", int64(3), "column", int64(1))},
		"a quote within a field": {"a\n\nb\"c\n", nil, []any{row("a")},
			`parse error on line 3, column 2: bare "`, atoms("line", int64(3), "column", int64(2))},
		"a quote never closed": {"a\n\"b\n", nil, []any{row("a")},
			`parse error on line 2, column 4: extraneous or missing "`, atoms("line", int64(2), "column", int64(4))},
		"a name given twice": {"a,b,a\n", atoms("header", true), nil,
			`parse error on line 1, column 5: column name "a": expected once, got twice`, atoms("line", int64(1), "column", int64(5))},
		"a row without an end": {"a\n\"" + strings.Repeat("x", 200_000), atoms("max_row", 1000), []any{row("a")},
			"the row after line 1: longer than max_row of 1000 bytes", nil},
		"a first row without an end": {"\"" + strings.Repeat("x\n", 100_000), atoms("max_row", 1000), nil,
			"the first row: longer than max_row of 1000 bytes", nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			args := []any{write(t, "f.csv", []byte(tc.content)), tc.options}
			err := requireStreamFailure(t, tc.before, portworker.Failed, tc.message, "csv.rows", args...)
			assert.Equal(t, tc.details, err.Details)
			assert.Contains(t, err.Message, "f.csv: ")
		})
	}
}

func TestCSVRowsRefuses(t *testing.T) {
	dir := t.TempDir()
	cases := map[string]struct {
		options etf.Map
		message string
	}{
		"a long separator":          {atoms("separator", "::"), `separator: expected one character, and no quote or line end, got "::"`},
		"no separator":              {atoms("separator", ""), "separator: expected one character"},
		"a quote for a separator":   {atoms("separator", `"`), "separator: expected one character"},
		"half a character":          {atoms("separator", "\xc3"), "separator: expected one character"},
		"a separator for a comment": {atoms("separator", ";", "comment", ";"), `comment: expected a character other than the separator, got ";"`},
		"rows of no length":         {atoms("max_row", 0), "max_row: expected an integer from 1 to 67108864, got 0"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			requireStreamFailure(t, nil, portworker.BadArgs, tc.message, "csv.rows", dir, tc.options)
		})
	}
	requireStreamFailure(t, nil, portworker.Failed, "expected a regular file", "csv.rows", dir)
}
