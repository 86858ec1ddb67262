package main

import (
	"context"
	"fmt"
	"iter"
	"math"
	"path"
	"regexp"

	"portworker"
	"portworker/cmd/portworker/internal/filesearch"
	"portworker/streaming"
)

// grepOptions narrow a search; each may be left out.
type grepOptions struct {
	MaxResults  *int    // default 1,000, at most 100,000
	MaxFileSize *int64  // in bytes, default 16 MiB, at most 1 GiB
	Include     *string // glob on the name, or, with a slash in it, on the path below the root
	Hidden      bool    `etf:",omitempty"`
}

type grepMatch struct {
	Path   string
	Line   int
	Column int
	Text   string
}

type grepProgress struct {
	Files   int
	Skipped int
	Matches int
}

// fileGrep is grep -rn with Go's regular expressions, whose time is linear in the text whatever
// the pattern: one from a stranger is safe to run.
func fileGrep(ctx context.Context, pattern, root string, options *grepOptions) ([]grepMatch, error) {
	query, err := grepQuery(pattern, root, options)
	if err != nil {
		return nil, err
	}
	matches := []grepMatch{}
	for match, err := range filesearch.Matches(ctx, query, reportGrep(ctx)) {
		if err != nil {
			return nil, err
		}
		matches = append(matches, grepMatch(match))
	}
	return matches, nil
}

// fileGrepStream yields matches as they are found. Nobody collects them, so all are welcome unless the
// caller says how many.
func fileGrepStream(ctx context.Context, pattern, root string, options *grepOptions) iter.Seq2[grepMatch, error] {
	query, err := grepQuery(pattern, root, options)
	if err != nil {
		return streaming.Fail[grepMatch](err)
	}
	if options == nil || options.MaxResults == nil {
		query.MaxResults = math.MaxInt
	}
	return streaming.Map(filesearch.Matches(ctx, query, reportGrep(ctx)), func(m filesearch.Match) grepMatch {
		return grepMatch(m)
	})
}

func reportGrep(ctx context.Context) func(filesearch.Progress) error {
	return func(p filesearch.Progress) error { return portworker.Progress(ctx, grepProgress(p)) }
}

func grepQuery(pattern, root string, options *grepOptions) (filesearch.Query, error) {
	const (
		mostResults = 100_000
		mostBytes   = 1 << 30
	)
	query := filesearch.Query{Root: root, MaxResults: 1000, MaxFileSize: 16 << 20}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return query, badArgs("pattern", "a regular expression in RE2 syntax", err)
	}
	query.Pattern = compiled
	if options == nil {
		return query, nil
	}
	query.Hidden = options.Hidden
	if options.Include != nil {
		query.Include = *options.Include
		if _, err := path.Match(query.Include, ""); err != nil {
			return query, badArgs("include", "a glob such as *.go", fmt.Sprintf("%q", query.Include))
		}
	}
	if options.MaxResults != nil {
		query.MaxResults = *options.MaxResults
		if query.MaxResults < 1 || query.MaxResults > mostResults {
			return query, badArgs("max_results", fmt.Sprintf("an integer from 1 to %d", mostResults), query.MaxResults)
		}
	}
	if options.MaxFileSize != nil {
		query.MaxFileSize = *options.MaxFileSize
		if query.MaxFileSize < 1 || query.MaxFileSize > mostBytes {
			return query, badArgs("max_file_size", fmt.Sprintf("an integer from 1 to %d", mostBytes), query.MaxFileSize)
		}
	}
	return query, nil
}
