package streaming_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestToolkitPageIsTrue holds docs/streaming-toolkit.md to toolkit_test.go, which runs its lines and checks what they
// give.
func TestToolkitPageIsTrue(t *testing.T) {
	page, err := os.ReadFile("../docs/streaming-toolkit.md")
	require.NoError(t, err)
	source, err := os.ReadFile("toolkit_test.go")
	require.NoError(t, err)
	rows, heading := 0, ""
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		switch {
		case !strings.HasPrefix(line, "| "), cells[0] == "---":
		case cells[0] == "for":
			heading = cells[len(cells)-1]
		default:
			rows++
			want := written(cells, heading)
			assert.True(t, strings.Contains(string(source), want), "toolkit_test.go lacks %q, for the row %s", want, line)
		}
	}
	assert.Greater(t, rows, 70, "the page's tables were read")
}

// written is how toolkit_test.go has a row of the page.
func written(cells []string, heading string) string {
	if heading != "gives" {
		return strings.Trim(cells[len(cells)-1], "`")
	}
	code, gives := strings.Trim(cells[1], "`"), "``"
	if len(cells) == 3 {
		gives = cells[2]
	}
	switch name, _, _ := strings.Cut(code, "("); {
	case name == "streaming.NewPeekable":
		return code
	case consumes[strings.TrimPrefix(name, "streaming.")]:
		return "result(t, " + gives + ")(" + code + ")\n"
	}
	return "show(t, " + code + ", " + gives + ")\n"
}

// consumes has the functions that return no stream.
var consumes = map[string]bool{
	"Collect": true, "ForEach": true, "TryForEach": true, "Fold": true, "TryFold": true, "Reduce": true, "Find": true,
	"Position": true, "Any": true, "All": true, "Count": true, "Last": true, "Nth": true,
}

// TestToolkitPageIsComplete asks for a line for each function of streams, and for each primitive.
func TestToolkitPageIsComplete(t *testing.T) {
	page, err := os.ReadFile("../docs/streaming-toolkit.md")
	require.NoError(t, err)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	functions := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || !ofStreams(f) {
				continue
			}
			functions++
			line := regexp.MustCompile(`streaming\.` + f.Name.Name + `[(\[]`)
			assert.True(t, line.Match(page), "the page lacks a line with %s", f.Name.Name)
		}
	}
	assert.Greater(t, functions, 60, "the functions were found")
}

// ofStreams reports whether a function takes or returns streams, or makes a primitive for values.
func ofStreams(f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f.Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			switch id.Name {
			case "Stream", "Source", "Oneshot", "Broadcast", "Queue":
				found = true
			}
		}
		return true
	})
	return found
}
