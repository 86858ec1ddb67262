package etf

import (
	"fmt"
	"testing"

	"github.com/okeuday/erlang_go/v2/erlang"
	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"
)

// benchRecord is a map of ten keys.
type benchRecord struct {
	ID       int64   `msgpack:"id"`
	Name     string  `msgpack:"name"`
	Email    string  `msgpack:"email"`
	Age      int     `msgpack:"age"`
	Score    float64 `msgpack:"score"`
	Active   bool    `msgpack:"active"`
	Country  string  `msgpack:"country"`
	Visits   uint32  `msgpack:"visits"`
	Balance  int64   `msgpack:"balance"`
	Verified bool    `msgpack:"verified"`
}

type benchPoint struct {
	X     int    `msgpack:"x"`
	Y     int    `msgpack:"y"`
	Label string `msgpack:"label"`
}

func newBenchRecord() *benchRecord {
	return &benchRecord{
		ID: 123456, Name: "Ada Lovelace", Email: "ada@example.org", Age: 36, Score: 99.5, Active: true,
		Country: "GB", Visits: 70000, Balance: -1 << 40, Verified: true,
	}
}

func newBenchInts() []int64 {
	list := make([]int64, 1000)
	for i := range list {
		list[i] = int64(i * i * 37)
	}
	return list
}

func newBenchPoints() []benchPoint {
	list := make([]benchPoint, 1000)
	for i := range list {
		list[i] = benchPoint{i, -i, fmt.Sprintf("point %d", i)}
	}
	return list
}

// runMapping measures one value in this codec, typed and untyped, against the same data in the others. erlang_go has
// no typed decoding and cannot read binary keys, so it gets a value made of its own types.
func runMapping[T any](b *testing.B, value *T, foreign any) {
	term, err := Append(nil, value)
	require.NoError(b, err)
	packed, err := msgpack.Marshal(value)
	require.NoError(b, err)
	old, err := erlang.TermToBinary(foreign, -1)
	require.NoError(b, err)
	measure(b, "append", func() error { _, err := Append(term[:0:cap(term)], value); return err })
	measure(b, "decode", func() error { var v T; return Decode(term, &v) })
	measure(b, "scan+decode", func() error { var v T; return Raw(term).Unmarshal(&v) })
	measure(b, "decode any", func() error { var v any; return Decode(term, &v) })
	measure(b, "msgpack marshal", func() error { _, err := msgpack.Marshal(value); return err })
	measure(b, "msgpack unmarshal", func() error { var v T; return msgpack.Unmarshal(packed, &v) })
	measure(b, "erlang_go encode", func() error { _, err := erlang.TermToBinary(foreign, -1); return err })
	measure(b, "erlang_go decode", func() error { _, err := erlang.BinaryToTerm(old); return err })
}

func measure(b *testing.B, name string, run func() error) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkRecord(b *testing.B) {
	r := newBenchRecord()
	runMapping(b, r, foreignRecord(r))
}

func foreignRecord(r *benchRecord) any {
	key := func(name string) erlang.OtpErlangAtomUTF8 { return erlang.OtpErlangAtomUTF8(name) }
	return erlang.OtpErlangMap{
		key("id"): r.ID, key("name"): []byte(r.Name), key("email"): []byte(r.Email), key("age"): r.Age,
		key("score"): r.Score, key("active"): r.Active, key("country"): []byte(r.Country),
		key("visits"): int(r.Visits), key("balance"): r.Balance, key("verified"): r.Verified,
	}
}

func BenchmarkIntegers(b *testing.B) {
	list := newBenchInts()
	foreign := erlang.OtpErlangList{}
	for _, v := range list {
		foreign.Value = append(foreign.Value, int(v))
	}
	runMapping(b, &list, foreign)
}

func BenchmarkStructs(b *testing.B) {
	list := newBenchPoints()
	foreign := erlang.OtpErlangList{}
	for _, p := range list {
		foreign.Value = append(foreign.Value, erlang.OtpErlangMap{
			erlang.OtpErlangAtomUTF8("x"): p.X, erlang.OtpErlangAtomUTF8("y"): p.Y,
			erlang.OtpErlangAtomUTF8("label"): []byte(p.Label),
		})
	}
	runMapping(b, &list, foreign)
}
