package protocol

import (
	"bytes"
	"io"
	"testing"

	"portworker/etf"
)

func BenchmarkParseCall(b *testing.B) {
	inETF := golden(b, "client")["call_options"]
	inMessagePack := mp(b, []any{"call", 2, "sleep", []any{1000}, map[string]any{"timeout": 500, "progress": false}})
	for name, packet := range map[string][]byte{"etf": inETF, "msgpack": inMessagePack} {
		b.Run(name, func(b *testing.B) {
			var p Parser
			b.ReportAllocs()
			for b.Loop() {
				for p.Open(packet); p.Next() != nil; {
				}
			}
		})
	}
}

func BenchmarkParseBatchOf64Calls(b *testing.B) {
	batch := make([]any, 64)
	for i := range batch {
		batch[i] = tuple("call", i, etf.Atom("echo"), []any{"sixteen bytes..."})
	}
	packet := packed(b, batch)
	var p Parser
	b.ReportAllocs()
	for b.Loop() {
		for p.Open(packet); p.Next() != nil; {
		}
	}
}

func BenchmarkBuildResult(b *testing.B) {
	value := "sixteen bytes..."
	for _, codec := range []Codec{ETF, MessagePack} {
		b.Run(codec.String(), func(b *testing.B) {
			r := ref(b, codec, 7)
			b.ReportAllocs()
			for b.Loop() {
				o, err := codec.Result(r, value)
				if err != nil {
					b.Fatal(err)
				}
				o.release()
			}
		})
	}
}

func BenchmarkWriter(b *testing.B) {
	r := term(b, 7)
	b.Run("one", func(b *testing.B) {
		w := NewWriter(io.Discard)
		b.ReportAllocs()
		for b.Loop() {
			w.Queue(ETF.Pong(r))
			w.Flush()
		}
	})
	b.Run("64 together", func(b *testing.B) {
		w := NewWriter(io.Discard)
		b.ReportAllocs()
		for b.Loop() {
			for range 64 {
				w.Queue(ETF.Pong(r))
			}
			w.Flush()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		w := NewWriter(io.Discard)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				w.Queue(ETF.Pong(r))
				w.Flush()
			}
		})
	})
}

func BenchmarkPacketReader(b *testing.B) {
	stream := framed(bytes.Repeat([]byte("x"), 50))
	stream = bytes.Repeat(stream, 1000)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewPacketReader(bytes.NewReader(stream), 0)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}
