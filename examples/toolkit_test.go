package examples

import (
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// toolkitRow is what is tested of a row of the table in docs/toolkit.md, without marks.
type toolkitRow struct{ terms, code, gives string }

// toolkitRows reads the rows of one language; a row with only a title has none.
func toolkitRows(t *testing.T, language string) []toolkitRow {
	t.Helper()
	page, err := os.ReadFile("../docs/toolkit.md")
	require.NoError(t, err)
	var rows []toolkitRow
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 5 || cells[1] != language {
			continue
		}
		code := strings.ReplaceAll(strings.Trim(cells[3], "`"), `\|`, "|")
		rows = append(rows, toolkitRow{strings.ReplaceAll(cells[0], "`", ""), code, strings.Trim(cells[4], "`")})
	}
	return rows
}

func TestToolkitRowsAreOfGoOrElixir(t *testing.T) {
	page, err := os.ReadFile("../docs/toolkit.md")
	require.NoError(t, err)
	const heading = 2 // lines
	rows := strings.Count(string(page), "\n| ") - strings.Count(string(page), "\n| **") - heading
	assert.Equal(t, rows, len(toolkitRows(t, "Go"))+len(toolkitRows(t, "Elixir")))
}

func TestToolkitOfGo(t *testing.T) {
	rows := toolkitRows(t, "Go")
	sources := toolkitSources(t)
	assert.Len(t, sources, len(rows), "each line is run for one row")
	for _, row := range rows {
		t.Run(row.terms, func(t *testing.T) {
			source, ok := sources[row.terms]
			require.True(t, ok, "no line is run for %s", row.terms)
			assert.Contains(t, tokens(source), tokens(row.code))
			assert.Equal(t, row.gives, runToolkitLine(t, row.terms))
		})
	}
}

// tokens makes code comparable that is on one line on the page and on several in a file.
func tokens(code string) string {
	var (
		s    scanner.Scanner
		text strings.Builder
		file = token.NewFileSet().AddFile("", -1, len(code))
	)
	s.Init(file, []byte(code), nil, 0)
	for {
		switch _, tok, literal := s.Scan(); {
		case tok == token.EOF:
			return text.String()
		case tok == token.SEMICOLON:
		case tok.IsLiteral():
			text.WriteString(literal + " ")
		default:
			text.WriteString(tok.String() + " ")
		}
	}
}

func TestToolkitOfElixir(t *testing.T) {
	dir := t.TempDir()
	worker := filepath.Join(dir, "portworker")
	command(t, "../", "go", "build", "-buildvcs=false", "-o", worker, "./cmd/portworker")
	script, err := filepath.Abs("toolkit.exs")
	require.NoError(t, err)
	arguments := []string{"-pa", client(t), "--app", "portworker", script, worker}
	rows := toolkitRows(t, "Elixir")
	for _, row := range rows {
		arguments = append(arguments, row.code, row.gives)
	}
	got := strings.Split(strings.TrimSpace(command(t, dir, "elixir", arguments...)), "\n")
	require.Len(t, got, len(rows))
	for i, row := range rows {
		assert.Equal(t, "true", got[i], "%s gives %s", row.code, row.gives)
	}
}
