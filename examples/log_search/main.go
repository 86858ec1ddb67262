// Command log_search is a worker that searches log files. Matches are streamed as they are asked
// for: who takes three lines of a terabyte has read as far as the third match.
package main

import (
	"bufio"
	"context"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"

	"portworker"
	"portworker/streaming"
)

type match struct {
	File string
	Line int
	Text string
}

var (
	lines    atomic.Int64 // read in all
	searches sync.WaitGroup
)

func main() {
	w := portworker.New(portworker.Config{Name: "log_search"})
	portworker.HandleSeq2(w, "search", search, portworker.OnLane(portworker.LaneBlocking),
		portworker.Doc("Streams the lines of a folder's log files that match a regular expression."))
	portworker.Handle0(w, "lines_read", linesRead, portworker.Doc("Waits for all searches to end, and says how many lines were read."))
	portworker.Main(w)
}

func search(_ context.Context, pattern, folder string) iter.Seq2[match, error] {
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return streaming.Fail[match](&portworker.Error{Reason: portworker.BadArgs, Message: err.Error()})
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.log"))
	if err != nil {
		return streaming.Fail[match](err)
	}
	return func(yield func(match, error) bool) {
		searches.Add(1)
		defer searches.Done()
		for _, file := range files {
			if !searchFile(expression, file, yield) {
				return
			}
		}
	}
}

// searchFile returns false when the consumer has had enough, which yield says.
func searchFile(expression *regexp.Regexp, path string, yield func(match, error) bool) bool {
	file, err := os.Open(path)
	if err != nil {
		return yield(match{}, err)
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	for number := 1; scanner.Scan(); number++ {
		lines.Add(1)
		found := expression.Match(scanner.Bytes())
		if found && !yield(match{filepath.Base(path), number, scanner.Text()}, nil) {
			return false
		}
	}
	return scanner.Err() == nil || yield(match{}, scanner.Err())
}

func linesRead(context.Context) (int64, error) {
	searches.Wait()
	return lines.Load(), nil
}
