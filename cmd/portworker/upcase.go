package main

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// upcase follows Unicode's full mapping, as String.upcase/1 does: "straße" becomes "STRASSE".
func upcase(_ context.Context, text string) (string, error) {
	if at := invalidUTF8(text); at >= 0 {
		return "", badArgs("text", "a binary in UTF-8", fmt.Sprintf("the byte 0x%02X at offset %d", text[at], at))
	}
	var upper strings.Builder
	upper.Grow(len(text))
	for _, r := range text {
		if several, special := upperSpecial[r]; special {
			upper.WriteString(several)
		} else {
			upper.WriteRune(unicode.ToUpper(r))
		}
	}
	return upper.String(), nil
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(text string) int {
	for at, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, width := utf8.DecodeRuneInString(text[at:]); width == 1 {
			return at
		}
	}
	return -1
}
