package etf_test

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// benchTerms are what the codec meets: the envelope of a call, a struct, long lists, a large map, a large integer.
func benchTerms(b *testing.B) map[string]any {
	keys := []string{"id", "name", "email", "age", "score", "active", "country", "visits", "balance", "verified"}
	record := func(i int) etf.Map {
		m := etf.Map{}
		for j, key := range keys {
			m = append(m, etf.Pair{Key: etf.Atom(key), Value: int64(i*100 + j)})
		}
		return m
	}
	integers, maps := make([]any, 1000), make([]any, 1000)
	byBinary := etf.Map{}
	for i := range 1000 {
		integers[i], maps[i] = int64(i*i*37), record(i)
		byBinary = append(byBinary, etf.Pair{Key: fmt.Sprintf("key %d", i), Value: int64(i)})
	}
	ref := etf.Raw("Z\x00\x03w\x0dnonode@nohost\x00\x00\x00\x00\x00\x02\x78\xa8\x49\x54\x00\x02\xff\xa0\x5c\xd6")
	return map[string]any{
		"call":          etf.Tuple{etf.Atom("call"), ref, etf.Atom("echo"), []any{"hello"}},
		"reference":     ref,
		"atom":          etf.Atom("echo"),
		"map of 10":     record(1),
		"1000 integers": integers,
		"1000 maps":     maps,
		"map of 1000":   byBinary,
		"binary 1 MiB":  string(make([]byte, 1<<20)),
		"integer 1 MiB": new(big.Int).Lsh(big.NewInt(1), 8<<20),
	}
}

func benchEach(b *testing.B, run func(b *testing.B, value any, term []byte)) {
	for name, value := range benchTerms(b) {
		term, err := etf.Append(nil, value)
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(term)))
			run(b, value, term)
		})
	}
}

func BenchmarkScan(b *testing.B) {
	benchEach(b, func(b *testing.B, _ any, term []byte) {
		for b.Loop() {
			if _, err := (etf.Limits{}).Scan(term); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSize(b *testing.B) {
	benchEach(b, func(b *testing.B, _ any, term []byte) {
		for b.Loop() {
			etf.Size(term)
		}
	})
}

func BenchmarkDecodeAny(b *testing.B) {
	benchEach(b, func(b *testing.B, _ any, term []byte) {
		for b.Loop() {
			var v any
			if err := etf.Decode(term, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAppendAny(b *testing.B) {
	benchEach(b, func(b *testing.B, value any, term []byte) {
		dst := make([]byte, 0, len(term))
		for b.Loop() {
			if _, err := etf.Append(dst, value); err != nil {
				b.Fatal(err)
			}
		}
	})
}
