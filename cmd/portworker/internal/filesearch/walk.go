package filesearch

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// walk calls visit with each regular file the query is about, in the order of the results. It
// ends early with an error: visit's, or that of a Root which cannot be read.
func walk(ctx context.Context, query Query, visit func(path string) error) error {
	// A link the caller names is meant to be followed, which WalkDir does not do.
	top, err := filepath.EvalSymlinks(query.Root)
	if err != nil {
		return err
	}
	if info, err := os.Stat(top); err != nil {
		return err
	} else if !info.IsDir() {
		return visit(query.Root)
	}
	return filepath.WalkDir(top, func(found string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case found == top:
			return err
		case err != nil:
			return fs.SkipDir
		case !query.Hidden && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !entry.Type().IsRegular():
			return nil
		}
		below, err := filepath.Rel(top, found)
		if err != nil {
			return err
		}
		if !included(query.Include, below) {
			return nil
		}
		return visit(filepath.Join(query.Root, below))
	})
}

func included(glob, below string) bool {
	if glob == "" {
		return true
	}
	below = filepath.ToSlash(below)
	if !strings.Contains(glob, "/") {
		below = path.Base(below)
	}
	matched, err := path.Match(glob, below)
	return matched && err == nil
}
