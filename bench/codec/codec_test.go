package main

import (
	"bytes"
	"testing"

	"github.com/okeuday/erlang_go/v2/erlang"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAllEndWithTheSame holds the comparison fair: who decodes ends with what etf ends with, and what erlang_go
// encodes is the same term.
func TestAllEndWithTheSame(t *testing.T) {
	all := fromOTP(t)
	for _, s := range all {
		for _, c := range s.contests {
			t.Run(s.name+" "+string(c.op), func(t *testing.T) {
				var expected any
				for _, e := range c.entries {
					got, err := e.run()
					require.NoError(t, err, e.by)
					switch {
					case e.by == etfTyped:
						expected = got
					case c.op == decode && e.by != etfDynamic && e.by != erlangGoRaw:
						assertSame(t, expected, got, e.by)
					case c.op == encode && (e.by == erlangGo || e.by == etfDynamic):
						assertSame(t, canonical(t, expected.([]byte)), canonical(t, got.([]byte)), e.by)
					}
				}
			})
		}
	}
}

// fromOTP returns the subjects with their terms as OTP writes them.
func fromOTP(t testing.TB) []*subject {
	t.Helper()
	all, err := subjects()
	require.NoError(t, err)
	peer, err := startOTP("otp.escript", all)
	require.NoError(t, err)
	require.NoError(t, peer.stop())
	return all
}

// assertSame does not print the values, which are long.
func assertSame(t *testing.T, expected, got any, by string) {
	t.Helper()
	assert.True(t, assert.ObjectsAreEqual(expected, got), "%s ends with another value than etf", by)
}

// canonical is a term as erlang_go has it, whose maps know no order.
func canonical(t *testing.T, data []byte) any {
	t.Helper()
	term, err := erlang.BinaryToTerm(data)
	require.NoError(t, err)
	return plain(term)
}

// plain makes the two types of atoms one.
func plain(term any) any {
	switch term := term.(type) {
	case erlang.OtpErlangAtomUTF8:
		return erlang.OtpErlangAtom(term)
	case erlang.OtpErlangList:
		for i, v := range term.Value {
			term.Value[i] = plain(v)
		}
	case erlang.OtpErlangMap:
		for k, v := range term {
			delete(term, k)
			term[plain(k)] = plain(v)
		}
	}
	return term
}

func TestReportNamesWhatIsNotReached(t *testing.T) {
	all := []*subject{{name: "a term", term: make([]byte, 500), smallMaps: true}}
	figureOf := func(op operation, by string, ns float64) *figure {
		return &figure{op: op, by: by, perRound: []float64{ns}}
	}
	var out bytes.Buffer
	report(&out, all, []*figure{
		figureOf(scan, etfTyped, 1000),
		figureOf(decode, etfTyped, 100), figureOf(decode, etfWorker, 10), figureOf(decode, erlangGo, 299), figureOf(decode, messagePack, 100),
	})
	assert.Regexp(t, `scan +at least 1.0 GB/s +0.50 +NOT met`, out.String())
	assert.Regexp(t, `decode +at least 3.0 × as fast as erlang_go +2.99 +29.90  NOT met`, out.String())
	assert.Regexp(t, `decode +at least 1.0 × as fast as msgpack +1.00 +10.00  met`, out.String())
}

// BenchmarkCodec is for profiles of one entry: go test -bench 'Codec/request_map/decode/etf$' -cpuprofile cpu.
func BenchmarkCodec(b *testing.B) {
	all := fromOTP(b)
	for _, s := range all {
		for _, c := range s.contests {
			for _, e := range c.entries {
				b.Run(s.name+"/"+string(c.op)+"/"+e.by, func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(len(s.term)))
					for b.Loop() {
						if _, err := e.run(); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
