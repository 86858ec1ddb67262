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

// scan returns the matches of one file, at most the query's MaxResults. When ctx ends it returns
// at the next chance, with what it has.
func (s *scanner) scan(ctx context.Context, query Query, path string) outcome {
	if ctx.Err() != nil || !s.read(path, query.MaxFileSize) {
		return outcome{skipped: true}
	}
	content := s.content.Bytes()
	// Every match begins with the literal prefix: a file without it holds none.
	if prefix, _ := query.Pattern.LiteralPrefix(); !bytes.Contains(content, []byte(prefix)) {
		return outcome{}
	}
	const checkEvery = 256 // lines between two looks at ctx
	var matches []Match
	number := 0
	for line := range bytes.Lines(content) {
		number++
		if number%checkEvery == 0 && ctx.Err() != nil {
			break
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		at := query.Pattern.FindIndex(line)
		if at == nil {
			continue
		}
		matches = append(matches, Match{
			Path:   path,
			Line:   number,
			Column: utf8.RuneCount(line[:at[0]]) + 1,
			Text:   excerpt(line, at[0]),
		})
		if len(matches) == query.MaxResults {
			break
		}
	}
	return outcome{matches: matches}
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
