package etf_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/okeuday/erlang_go/v2/erlang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// TestSecondOpinion compares what we read in the corpus with what erlang_go reads, where that library reads the term.
func TestSecondOpinion(t *testing.T) {
	agreed := 0
	for _, term := range acceptedCorpus(t) {
		theirs, err := readTheirs(term.data)
		if err != nil || !plainForm(term.name) {
			continue
		}
		var ours any
		require.NoError(t, etf.Unmarshal(term.data, &ours), term.name)
		if assert.Equal(t, renderTheirs(theirs), renderOurs(ours), term.name) {
			agreed++
		}
	}
	assert.Greater(t, agreed, 500)
}

// plainForm leaves out what the library reads otherwise than OTP does.
func plainForm(name string) bool {
	for _, misread := range []string{
		"list_that_is_its_tail", "list_twice_its_tail", // a list without elements is read as a list
		"list_with_", "list_chain", // a tail that is a list is read as an element
		"float_text_1,5", "latin1", "bits_unused_set", "big_sign_2",
		"keys_bits",
	} {
		if strings.Contains(name, misread) {
			return false
		}
	}
	return true
}

func readTheirs(data []byte) (v any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("erlang_go: %v", p)
		}
	}()
	return erlang.BinaryToTerm(data)
}

// renderOurs and renderTheirs write a term in the same words.
func renderOurs(v any) string {
	switch v := v.(type) {
	case nil:
		return "atom nil"
	case bool:
		return fmt.Sprint("atom ", v)
	case etf.Atom:
		return "atom " + string(v)
	case int64:
		return fmt.Sprint("integer ", v)
	case *big.Int:
		return fmt.Sprint("integer ", v)
	case float64:
		return fmt.Sprint("float ", v)
	case string:
		return fmt.Sprintf("bits 8 %x", v)
	case etf.Bitstring:
		return fmt.Sprintf("bits %d %x", v.Bits, v.Bytes)
	case []any:
		return "list" + renderAll(v, renderOurs)
	case etf.ImproperList:
		return "improper" + renderAll(append(slices.Clone(v.Elements), v.Tail), renderOurs)
	case etf.Tuple:
		return "tuple" + renderAll(v, renderOurs)
	case etf.Map:
		pairs := make([]string, len(v))
		for i, pair := range v {
			pairs[i] = renderOurs(pair.Key) + " => " + renderOurs(pair.Value)
		}
		slices.Sort(pairs)
		return "map(" + strings.Join(pairs, ", ") + ")"
	}
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", v), "etf."))
}

func renderTheirs(v any) string {
	switch v := v.(type) {
	case nil:
		return "atom undefined"
	case bool:
		return fmt.Sprint("atom ", v)
	case erlang.OtpErlangAtom:
		return "atom " + latin1(string(v))
	case erlang.OtpErlangAtomUTF8:
		return "atom " + string(v)
	case uint8, int32, *big.Int:
		return fmt.Sprint("integer ", v)
	case float64:
		return fmt.Sprint("float ", v)
	case erlang.OtpErlangBinary:
		if len(v.Value) == 0 {
			return "bits 8 "
		}
		return fmt.Sprintf("bits %d %x", v.Bits, v.Value)
	case string: // STRING_EXT
		var list []any
		for _, c := range []byte(v) {
			list = append(list, c)
		}
		return "list" + renderAll(list, renderTheirs)
	case erlang.OtpErlangList:
		if v.Improper {
			return "improper" + renderAll(v.Value, renderTheirs)
		}
		return "list" + renderAll(v.Value, renderTheirs)
	case erlang.OtpErlangTuple:
		return "tuple" + renderAll(v, renderTheirs)
	case erlang.OtpErlangMap:
		var pairs []string
		for key, value := range v {
			pairs = append(pairs, renderTheirs(key)+" => "+renderTheirs(value))
		}
		slices.Sort(pairs)
		return "map(" + strings.Join(pairs, ", ") + ")"
	case erlang.OtpErlangPid:
		return "pid"
	case erlang.OtpErlangPort:
		return "port"
	case erlang.OtpErlangReference:
		return "ref"
	case erlang.OtpErlangFunction:
		return "fun"
	}
	return fmt.Sprintf("%T", v)
}

func renderAll(list []any, render func(any) string) string {
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = render(v)
	}
	return "(" + strings.Join(texts, ", ") + ")"
}

func latin1(s string) string {
	var runes []rune
	for _, c := range []byte(s) {
		runes = append(runes, rune(c))
	}
	return string(runes)
}
