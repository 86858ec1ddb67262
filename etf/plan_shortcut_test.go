package etf_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestDecodedListsOfStrings(t *testing.T) {
	long := strings.Repeat("long ", 200)
	for name, texts := range map[string][]string{
		"empty ones":            {"", "", ""},
		"long between short":    {"a", long, "b", "c", long},
		"as long as a block":    {strings.Repeat("x", 507), "y", strings.Repeat("z", 508)},
		"more than many blocks": slices.Repeat([]string{"straße", "", "日本語"}, 500),
	} {
		t.Run(name, func(t *testing.T) {
			term, err := etf.Append(nil, &texts)
			require.NoError(t, err)
			var got []string
			require.NoError(t, etf.Decode(term, &got))
			clear(term) // nothing aliases it
			assert.Equal(t, texts, got)
		})
	}
}

func TestKeysInAnyOrderAndForm(t *testing.T) {
	type record struct{ First, Second, Third int }
	pair := func(tag string, name string, v byte) string { return tag + name + "a" + string(rune(v)) }
	first, second, third := pair("w\x05", "first", 1), pair("w\x06", "second", 2), pair("w\x05", "third", 3)
	old := pair("d\x00\x06", "second", 2)
	binary := pair("m\x00\x00\x00\x05", "third", 3)
	unknown := pair("w\x01", "x", 9)
	// Each order is decoded after every other, since the last one is what the next is expected to have.
	for range 2 {
		for name, body := range map[string]string{
			"as declared":        first + second + third,
			"backwards":          third + second + first,
			"old atoms":          first + old + third,
			"a binary":           binary + first + old,
			"unknown in between": first + unknown + third + second,
		} {
			t.Run(name, func(t *testing.T) {
				var got record
				n := 3 + strings.Count(body, unknown)
				term := etf.Raw("t\x00\x00\x00" + string(rune(n)) + body)
				require.NoError(t, term.Unmarshal(&got))
				assert.Equal(t, record{1, 2, 3}, got)
			})
		}
	}
}

func TestKeysWhoseNamesAreNotASCII(t *testing.T) {
	type record struct {
		Straße int
		Plain  int
	}
	for name, body := range map[string]string{
		"UTF-8":          "w\x07stra\xc3\x9fea\x01w\x05plaina\x02",
		"Latin-1":        "d\x00\x06stra\xdfea\x01d\x00\x05plaina\x02",
		"short, Latin-1": "s\x06stra\xdfea\x01s\x05plaina\x02",
	} {
		t.Run(name, func(t *testing.T) {
			var got record
			require.NoError(t, etf.Raw("t\x00\x00\x00\x02"+body).Unmarshal(&got))
			assert.Equal(t, record{1, 2}, got)
		})
	}
}

// A struct in an any, an interface or a map has no address of its own; it is encoded like one that has.
func TestValuesWithoutAddress(t *testing.T) {
	type inner struct{ Note *string }
	type outer struct {
		Inner inner
		List  []inner
	}
	note := "kept"
	v := outer{Inner: inner{&note}, List: []inner{{&note}, {}}}
	byPointer, err := etf.Append(nil, &v)
	require.NoError(t, err)
	for range 2 { // the second time with what the first left behind
		byValue, err := etf.Append(nil, v)
		require.NoError(t, err)
		assert.Equal(t, byPointer, byValue)
		nested, err := etf.Append(nil, []any{v, outer{}})
		require.NoError(t, err)
		assert.Equal(t, byPointer, []byte(nested[5:5+len(byPointer)]))
	}
}
