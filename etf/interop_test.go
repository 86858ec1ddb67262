package etf

import (
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/okeuday/erlang_go/v2/erlang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// identifierTerm is an encoded pid, port or reference of node a@b.
func identifierTerm(tag byte, before, after []byte) Raw {
	return append(append(append(Raw{tag}, before...), tagSmallAtomUTF8, 3, 'a', '@', 'b'), after...)
}

var (
	pidTerm  = identifierTerm(tagNewPid, nil, []byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3})
	portTerm = identifierTerm(tagV4Port, nil, []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3})
	refTerm  = identifierTerm(tagNewerReference, []byte{0, 2}, []byte{0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3})
	funTerm  = Raw("q\x77\x05lists\x77\x03mapa\x02")
)

func TestIdentifiersKeepTheirBytes(t *testing.T) {
	type all struct {
		P Pid
		O Port
		R Ref
		F Fun
	}
	var v all
	term := termOf(t, Map{{Atom("p"), pidTerm}, {Atom("o"), portTerm}, {Atom("r"), refTerm}, {Atom("f"), funTerm}})
	require.NoError(t, Decode(term, &v))
	assert.Equal(t, term, termOf(t, v))
	assert.EqualError(t, pidTerm.Unmarshal(&v.R), "expected reference, got "+describe(pidTerm))
	byPid := map[Pid]int{}
	require.NoError(t, termOf(t, Map{{pidTerm, 1}}).Unmarshal(&byPid))
	assert.Equal(t, 1, byPid[v.P])
}

func TestInteropRoundTrip(t *testing.T) {
	cases := []struct {
		name string
		in   any
		want any // in the dynamic types
	}{
		{"atom", erlang.OtpErlangAtom("ok"), Atom("ok")},
		{"Latin-1 atom", erlang.OtpErlangAtom("\xe4"), Atom("ä")},
		{"UTF-8 atom", erlang.OtpErlangAtomUTF8("λ"), Atom("λ")},
		{"atom true", erlang.OtpErlangAtomUTF8("true"), true},
		{"atom undefined", erlang.OtpErlangAtomUTF8("undefined"), Atom("undefined")},
		{"binary", erlang.OtpErlangBinary{Value: []byte("ab"), Bits: 8}, "ab"},
		{"bitstring", erlang.OtpErlangBinary{Value: []byte{0xe0}, Bits: 3}, Bitstring{[]byte{0xe0}, 3}},
		{"list", erlang.OtpErlangList{Value: []any{uint8(1), erlang.OtpErlangAtomUTF8("a")}}, []any{1, Atom("a")}},
		{"empty list", erlang.OtpErlangList{Value: []any{}}, []any{}},
		{"improper list", erlang.OtpErlangList{Value: []any{uint8(1), uint8(2)}, Improper: true}, ImproperList{[]any{1}, 2}},
		{"tuple", erlang.OtpErlangTuple{uint8(1), erlang.OtpErlangTuple{}}, Tuple{1, Tuple{}}},
		{"map", erlang.OtpErlangMap{erlang.OtpErlangAtomUTF8("a"): uint8(1)}, Map{{Atom("a"), 1}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var want, got any
			require.NoError(t, termOf(t, c.want).Unmarshal(&want))
			require.NoError(t, termOf(t, []any{c.in}).Unmarshal(&[]*any{&got}))
			term := termOf(t, c.in)
			require.NoError(t, term.Unmarshal(&got))
			assert.Equal(t, want, got)

			target := reflect.New(reflect.TypeOf(c.in))
			require.NoError(t, term.Unmarshal(target.Interface()))
			assert.Equal(t, c.in, target.Elem().Interface())
		})
	}
}

func TestInteropIdentifiers(t *testing.T) {
	var v struct {
		P erlang.OtpErlangPid
		O erlang.OtpErlangPort
		R []erlang.OtpErlangReference
		F *erlang.OtpErlangFunction
	}
	term := termOf(t, Map{{Atom("p"), pidTerm}, {Atom("o"), portTerm}, {Atom("r"), []Raw{refTerm}}, {Atom("f"), funTerm}})
	require.NoError(t, term.Unmarshal(&v))
	assert.Equal(t, term, termOf(t, v))
}

func TestInteropReadsACharlistAsAList(t *testing.T) {
	var list erlang.OtpErlangList
	require.NoError(t, charlist("hi").Unmarshal(&list))
	assert.Equal(t, []any{uint8('h'), uint8('i')}, list.Value)
}

func TestInteropRefuses(t *testing.T) {
	loop := make(erlang.OtpErlangTuple, 1)
	loop[0] = loop
	dict := erlang.OtpErlangMap{}
	dict[uint8(1)] = map[any]any{uint8(2): erlang.OtpErlangList{Value: []any{dict}}}
	encoding := []struct {
		name, want string
		in         any
	}{
		{"a tuple in itself", "nested deeper than 1000", loop},
		{"a map in itself", "nested deeper than 1000", dict},
		{"a value the library does not know", ".x: erlang_go cannot encode the erlang.OtpErlangTuple: unknown go type",
			struct{ X any }{erlang.OtpErlangTuple{struct{}{}}}},
		{"a panic of the library", "erlang_go cannot encode the erlang.OtpErlangTuple: panic", erlang.OtpErlangTuple{(*big.Int)(nil)}},
		{"a pid that is cut short", "no valid term", erlang.OtpErlangPid{NodeTag: 119, Node: []byte{1, 'a'}, Creation: []byte{0}}},
		{"equal keys", "no valid term: etf: a map repeats", erlang.OtpErlangMap{uint8(1): uint8(1), 1: uint8(2)}},
		{"an atom that is too long", "erlang.OtpErlangAtom", erlang.OtpErlangAtom(strings.Repeat("a", 300))},
		{"a cache reference", "only inside the distribution protocol", erlang.OtpErlangAtomCacheRef(1)},
	}
	for _, c := range encoding {
		t.Run(c.name, func(t *testing.T) {
			_, err := Marshal(c.in)
			assert.ErrorContains(t, err, c.want)
		})
	}
	localFun := append(Raw{tagNewFun, 0, 0, 0, 0, 1}, make([]byte, 16+8)...)
	localFun = append(localFun, tagSmallAtomUTF8, 1, 'm', tagSmallInteger, 1, tagSmallInteger, 2)
	localFun = append(localFun, pidTerm...)
	localFun[4] = byte(len(localFun) - 1)
	decoding := []struct {
		name, want string
		term       any
		target     any
	}{
		{"another kind", `expected tuple, got list [1]`, []any{1}, new(erlang.OtpErlangTuple)},
		{"no atom", `expected atom, got integer 1`, 1, new(erlang.OtpErlangAtom)},
		{"an atom beyond Latin-1", `expected Latin-1 atom, got atom :"λ"`, Atom("λ"), new(erlang.OtpErlangAtom)},
		{"a local function", "got a local function", Tuple{localFun}, new(erlang.OtpErlangTuple)},
		{"a huge integer", "got an integer of 25006 bytes", []any{[]any{new(big.Int).Lsh(big.NewInt(1), 200_000-1)}}, new(erlang.OtpErlangList)},
		{"a key it panics on", "erlang_go cannot read map %{undefined", Map{{Atom("undefined"), 1}}, new(erlang.OtpErlangMap)},
		{"a key it cannot hold", "erlang_go cannot read", Map{{Map{{"a", "b"}}, Tuple{1}}}, new(erlang.OtpErlangMap)},
	}
	for _, c := range decoding {
		t.Run(c.name, func(t *testing.T) {
			assert.ErrorContains(t, termOf(t, c.term).Unmarshal(c.target), c.want)
		})
	}
}
