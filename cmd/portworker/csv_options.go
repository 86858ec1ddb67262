package main

import (
	"fmt"
	"unicode/utf8"
)

// csvOptions say how a file is to be read; each may be left out.
type csvOptions struct {
	Header     bool    `etf:",omitempty"` // the first row names the columns, and the others are maps
	Separator  *string // one character, default a comma
	Comment    *string // one character; lines that begin with it are skipped; default none
	LazyQuotes bool    `etf:",omitempty"` // a quote may stand inside a field
	MaxRow     *int    // in bytes, default 1 MiB, at most 64 MiB; a longer row ends the stream
}

// csvFormat is the options with their defaults, checked.
type csvFormat struct {
	header, lazyQuotes bool
	separator, comment rune // comment is 0 for none
	maxRow             int
}

func (o *csvOptions) format() (csvFormat, error) {
	const usual, most = 1 << 20, 64 << 20
	if o == nil {
		o = &csvOptions{}
	}
	format := csvFormat{header: o.Header, lazyQuotes: o.LazyQuotes, maxRow: usual}
	if o.MaxRow != nil {
		format.maxRow = *o.MaxRow
		if format.maxRow < 1 || format.maxRow > most {
			return format, badArgs("max_row", fmt.Sprintf("an integer from 1 to %d", most), format.maxRow)
		}
	}
	var err error
	if format.separator, err = csvCharacter("separator", o.Separator, ','); err != nil {
		return format, err
	}
	if format.comment, err = csvCharacter("comment", o.Comment, 0); err != nil {
		return format, err
	}
	if format.comment == format.separator {
		return format, badArgs("comment", "a character other than the separator", fmt.Sprintf("%q", *o.Comment))
	}
	return format, nil
}

// csvCharacter reads an option that is one character.
func csvCharacter(option string, text *string, usual rune) (rune, error) {
	if text == nil {
		return usual, nil
	}
	r, size := utf8.DecodeRuneInString(*text)
	switch {
	case size != len(*text), r == utf8.RuneError, r == 0, r == '"', r == '\r', r == '\n':
		return 0, badArgs(option, "one character, and no quote or line end", fmt.Sprintf("%q", *text))
	}
	return r, nil
}
