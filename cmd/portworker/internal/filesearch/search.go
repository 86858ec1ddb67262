// Package filesearch finds the lines of a file tree that match a regular expression.
package filesearch

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// A Query says what to look for, and where.
type Query struct {
	Pattern *regexp.Regexp // required; applied to one line at a time, without its line end
	Root    string         // required; a directory, or a single file

	// Include is a glob, as path.Match has it, on a file's name, or on its path below Root if
	// the glob holds a slash. Empty means every file.
	Include     string
	Hidden      bool  // search below names that begin with a dot too
	MaxResults  int   // required, at least 1; the first so many in the order of the results
	MaxFileSize int64 // required, in bytes; larger files are skipped
}

// A Match is the first match on one line of one file.
type Match struct {
	Path   string // Root joined with the path below it; its bytes are those of the file system
	Line   int    // from 1
	Column int    // from 1, in characters
	Text   string // the line as valid UTF-8, or the part of a long one around the match
}

// Progress counts what a search has been through so far.
type Progress struct {
	Files   int // searched, whether or not anything matched
	Skipped int // unreadable, binary or too large
	Matches int
}

// A file is one file of the tree on its way from the walk to the results. Its matches come in parts,
// the last of which is followed by the end.
type file struct {
	path  string
	parts chan part
}

type part struct {
	matches []Match
	skipped bool
}

// Matches yields the matches as they are found, in the order of a walk that takes each directory's
// entries by name, and by line within a file: two runs over an unchanged tree are equal, however the
// work was divided. Symbolic links below Root are not followed. Only a Root that cannot be read is an
// error; what else cannot be read is skipped.
//
// One goroutine walks, one for each processor scans, and the consumer's own collects and calls
// report, every 64 files and at the end; an error of report ends the search. They are at most a
// few hundred matches a file ahead of a slow consumer. When the consumer stops, or ctx is done, the goroutines
// are waited for, a moment each; the error is ctx's cause then.
func Matches(ctx context.Context, query Query, report func(Progress) error) iter.Seq2[Match, error] {
	return func(yield func(Match, error) bool) {
		searching, stop := context.WithCancel(ctx)
		ordered, wait := search(searching, query)
		defer wait() // after stop, also when the consumer panics
		defer stop()
		c := collector{left: query.MaxResults, report: report, yield: yield}
		err := c.collect(ordered)
		stop()
		walkErr := wait()
		switch {
		case c.stopped:
			return
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case err == nil && c.left > 0:
			err = walkErr
		}
		if err != nil {
			yield(Match{}, fmt.Errorf("search %s: %w", query.Root, err))
		}
	}
}

// search starts the goroutines, which end when ctx does. It returns the files in the order of the
// walk, and what to wait with and learn why the walk ended.
func search(ctx context.Context, query Query) (<-chan file, func() error) {
	scanners := runtime.GOMAXPROCS(0)
	// The walk is ahead of the slowest file by this much and no more, which bounds the parts that
	// wait for it in memory.
	ahead := 16 * scanners
	ordered, todo := make(chan file, ahead), make(chan file, ahead)
	var group errgroup.Group
	group.Go(func() error {
		defer close(ordered)
		defer close(todo)
		return walk(ctx, query, func(path string) error {
			return enqueue(ctx, file{path, make(chan part, 1)}, todo, ordered)
		})
	})
	for range scanners {
		group.Go(func() error {
			var s scanner
			for f := range todo {
				s.scan(ctx, query, f)
				close(f.parts)
			}
			return nil
		})
	}
	return ordered, group.Wait
}

// enqueue hands a file to the scanners before it shows it to the collector, which can therefore
// count on the end of each file it sees. Scanners take files in this order too: the one that the
// collector waits for is never behind one that waits for the collector.
func enqueue(ctx context.Context, f file, queues ...chan<- file) error {
	for _, queue := range queues {
		select {
		case queue <- f:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// A collector passes matches on until there are enough.
type collector struct {
	left     int // matches that are still wanted
	progress Progress
	report   func(Progress) error
	yield    func(Match, error) bool
	stopped  bool // the consumer wants no more
}

func (c *collector) collect(ordered <-chan file) error {
	const reportEvery = 64
	for f := range ordered {
		if !c.take(f) {
			break
		}
		if (c.progress.Files+c.progress.Skipped)%reportEvery == 0 {
			if err := c.report(c.progress); err != nil {
				return err
			}
		}
	}
	if c.stopped {
		return nil
	}
	return c.report(c.progress)
}

// take passes the matches of one file on and counts it. It returns false when that is all.
func (c *collector) take(f file) bool {
	skipped := false
	for p := range f.parts {
		skipped = skipped || p.skipped
		for _, match := range p.matches {
			c.progress.Matches++
			c.left--
			if !c.yield(match, nil) {
				c.stopped = true
				return false
			}
			if c.left == 0 {
				c.progress.Files++
				return false
			}
		}
	}
	if skipped {
		c.progress.Skipped++
	} else {
		c.progress.Files++
	}
	return true
}
