package portworker_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// layers are the project's packages from the ground up. Each may import those
// before it and no other.
var layers = []string{
	"portworker/etf",
	"portworker/protocol",
	"portworker/streaming",
	"portworker/dispatch",
	"portworker/internal/termtext",
	"portworker/internal/wire",
	"portworker/internal/recording",
	"portworker/internal/cli",
	"portworker",
	"portworker/portworkertest",
}

func TestImportsRunOneWay(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata" || d.Name() == "elixir_client") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		checked++
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := strings.TrimSuffix("portworker/"+filepath.ToSlash(filepath.Dir(path)), "/.")
		for _, spec := range file.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			checkImport(t, path, from, target)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Greater(t, checked, 50, "the walk found the project")
}

// checkImport holds an import against the order. Programs stand on all layers,
// and a package inside another's internal folder belongs to that one; those of the
// module itself are layers.
func checkImport(t *testing.T, path, from, to string) {
	t.Helper()
	if to != "portworker" && !strings.HasPrefix(to, "portworker/") || strings.Contains(to, "/internal/") && level(to) < 0 {
		return
	}
	target := level(to)
	if !assert.GreaterOrEqual(t, target, 0, "%s imports %s, which is no layer", path, to) {
		return
	}
	if own := level(from); own >= 0 {
		assert.Less(t, target, own, "%s imports %s, which is not below it", path, to)
	}
}

func level(pkg string) int {
	for i, layer := range layers {
		if pkg == layer {
			return i
		}
	}
	return -1
}
