package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUpcase(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"nothing":                        {"", ""},
		"ASCII":                          {"hello, World 1!", "HELLO, WORLD 1!"},
		"accents":                        {"żółw", "ŻÓŁW"},
		"Greek":                          {"ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ"},
		"Cyrillic":                       {"привет", "ПРИВЕТ"},
		"one character that becomes two": {"straße", "STRASSE"},
		"a ligature":                     {"ﬃ", "FFI"},
		"scripts without case":           {"日本語", "日本語"},
		"outside the first plane":        {"𐐨", "𐐀"},
		"the replacement character":      {"\uFFFD", "\uFFFD"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := upcase(t.Context(), tc.text)
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestUpcaseRefusesWhatIsNotUTF8(t *testing.T) {
	_, err := upcase(t.Context(), "a\uFFFDb\xffc")
	assert.EqualError(t, err, "bad_args: text: expected a binary in UTF-8, got the byte 0xFF at offset 5")
}
