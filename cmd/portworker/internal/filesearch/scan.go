package filesearch

import (
	"bytes"
	"context"
	"io"
	"strings"
	"unicode/utf8"

	"portworker/cmd/portworker/internal/localfile"
)

// A scanner searches one file after another through a buffer it keeps.
type scanner struct {
	content bytes.Buffer
}

// scan sends the matches of one file, at most the query's MaxResults. When ctx ends it returns at the
// next chance.
func (s *scanner) scan(ctx context.Context, query Query, f file) {
	if ctx.Err() != nil || !s.read(f.path, query.MaxFileSize) {
		send(ctx, f, part{skipped: true})
		return
	}
	content := s.content.Bytes()
	// Every match begins with the literal prefix: a file without it holds none.
	if prefix, _ := query.Pattern.LiteralPrefix(); !bytes.Contains(content, []byte(prefix)) {
		return
	}
	const (
		checkEvery = 256 // lines between two looks at ctx
		partSize   = 256 // matches
	)
	var matches []Match
	number, left := 0, query.MaxResults
	for line := range bytes.Lines(content) {
		number++
		if number%checkEvery == 0 && ctx.Err() != nil {
			return
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		at := query.Pattern.FindIndex(line)
		if at == nil {
			continue
		}
		matches = append(matches, Match{
			Path:   f.path,
			Line:   number,
			Column: utf8.RuneCount(line[:at[0]]) + 1,
			Text:   excerpt(line, at[0]),
		})
		if left--; left == 0 {
			break
		}
		if len(matches) == partSize {
			if !send(ctx, f, part{matches: matches}) {
				return
			}
			matches = nil
		}
	}
	send(ctx, f, part{matches: matches})
}

// send reports whether the search still goes on.
func send(ctx context.Context, f file, p part) bool {
	select {
	case f.parts <- p:
		return true
	case <-ctx.Done():
		return false
	}
}

// read fills the buffer with a file's content and says whether that is text worth searching.
func (s *scanner) read(path string, limit int64) bool {
	file, size, err := localfile.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	if size > limit {
		return false
	}
	// A NUL early on is how git and grep know a binary file too.
	const head = 8000
	s.content.Reset()
	if _, err := io.CopyN(&s.content, file, head); err != nil && err != io.EOF {
		return false
	}
	if bytes.IndexByte(s.content.Bytes(), 0) >= 0 {
		return false
	}
	// The file may have grown since it was measured.
	_, err = s.content.ReadFrom(io.LimitReader(file, limit-head+1))
	return err == nil && int64(s.content.Len()) <= limit
}

// excerpt returns a line as valid UTF-8, cut around the match if it is long.
func excerpt(line []byte, match int) string {
	const (
		most   = 240 // bytes of a line that are shown
		before = 60  // bytes of them before the match, where the line has them
	)
	from := max(0, min(match-before, len(line)-most))
	to := min(len(line), from+most)
	from, to = characterStart(line, from), characterStart(line, to)

	text := strings.ToValidUTF8(string(line[from:to]), "\uFFFD")
	if from > 0 {
		text = "…" + text
	}
	if to < len(line) {
		text += "…"
	}
	return text
}

// characterStart moves a cut forward to the start of a character. It gives up where the bytes
// are not UTF-8 anyway.
func characterStart(line []byte, cut int) int {
	for range utf8.UTFMax - 1 {
		if cut < len(line) && !utf8.RuneStart(line[cut]) {
			cut++
		}
	}
	return cut
}
