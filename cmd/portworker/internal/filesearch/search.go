// Package filesearch finds the lines of a file tree that match a regular expression.
package filesearch

import (
	"context"
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

// A file is one file of the tree on its way from the walk to the results.
type file struct {
	path string
	done chan outcome // holds one, so that a scanner never waits for the collector
}

type outcome struct {
	matches []Match
	skipped bool
}

// Search returns the matches in the order of a walk that takes each directory's entries by name,
// and by line within a file: two runs over an unchanged tree are equal, however the work was
// divided. Symbolic links below Root are not followed. Only a Root that cannot be read is an
// error; what else cannot be read is skipped.
//
// One goroutine walks, one for each processor scans, and the caller's own collects and calls
// report, every 64 files and at the end; an error of report ends the search. Once ctx is done
// Search waits for its goroutines, a moment each, and returns ctx's cause.
func Search(ctx context.Context, query Query, report func(Progress) error) ([]Match, error) {
	scanners := runtime.GOMAXPROCS(0)
	// The walk is ahead of the slowest file by this much and no more, which bounds the
	// outcomes that wait for it in memory.
	ahead := 16 * scanners
	ordered, todo := make(chan file, ahead), make(chan file, ahead)

	searching, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error {
		defer close(ordered)
		defer close(todo)
		return walk(searching, query, func(path string) error {
			return enqueue(searching, file{path, make(chan outcome, 1)}, todo, ordered)
		})
	})
	for range scanners {
		group.Go(func() error {
			var s scanner
			for f := range todo {
				f.done <- s.scan(searching, query, f.path)
			}
			return nil
		})
	}

	found, err := collect(ordered, query.MaxResults, report)
	stop()
	walkErr := group.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, err
	case walkErr != nil && len(found) < query.MaxResults:
		return nil, walkErr
	}
	return found, nil
}

// enqueue hands a file to the scanners before it shows it to the collector, which can therefore
// count on an outcome for each file it sees.
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

// collect takes the outcomes in the order of the walk until there are max matches.
func collect(ordered <-chan file, max int, report func(Progress) error) ([]Match, error) {
	const reportEvery = 64
	var found []Match
	var progress Progress
	for f := range ordered {
		o := <-f.done
		if o.skipped {
			progress.Skipped++
		} else {
			progress.Files++
		}
		found = append(found, o.matches[:min(len(o.matches), max-len(found))]...)
		progress.Matches = len(found)
		if len(found) == max {
			break
		}
		if (progress.Files+progress.Skipped)%reportEvery == 0 {
			if err := report(progress); err != nil {
				return nil, err
			}
		}
	}
	return found, report(progress)
}
