package protocol

import (
	"bytes"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"portworker/etf"
)

// pieces reads a stream in the pieces that were drawn, and then what is left.
type pieces struct {
	data  []byte
	sizes []int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := min(len(b), len(p.data))
	if len(p.sizes) > 0 {
		n = min(n, p.sizes[0])
		p.sizes = p.sizes[1:]
	}
	copy(b, p.data[:n])
	p.data = p.data[n:]
	return n, nil
}

func TestAnySplitOfTheInputIsTheSamePackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 3000
		sizes := rapid.SliceOfN(rapid.IntRange(0, 2*limit), 0, 20).Draw(t, "packets")
		var stream []byte
		var want [][]byte
		for i, size := range sizes {
			packet := bytes.Repeat([]byte{byte(i + 1)}, size)
			stream = append(stream, framed(packet)...)
			if size > limit {
				packet = nil // skipped
			}
			want = append(want, packet)
		}
		cut := rapid.IntRange(0, len(stream)).Draw(t, "cut")
		r := NewPacketReader(&pieces{stream[:cut], rapid.SliceOf(rapid.IntRange(0, 5000)).Draw(t, "reads")}, limit)

		at := 0
		for _, packet := range want {
			size := headerSize + len(packet)
			got, err := r.Next()
			if packet == nil && err != nil {
				if tooLarge, ok := err.(*FrameTooLargeError); ok {
					size = headerSize + int(tooLarge.Size)
					require.GreaterOrEqual(t, cut, at+headerSize)
					at += size
					continue
				}
			}
			if err != nil {
				break
			}
			require.Equal(t, len(packet), len(got))
			require.True(t, bytes.Equal(packet, got))
			at += size
		}
		_, err := r.Next()
		if cut == at {
			require.Equal(t, io.EOF, err)
		} else {
			require.Equal(t, io.ErrUnexpectedEOF, err)
		}
	})
}

// drawValue draws a value that both codecs can carry.
func drawValue(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Int64().AsAny(),
		rapid.Custom(func(t *rapid.T) any { return rapid.Float64Range(-math.MaxFloat64, math.MaxFloat64).Draw(t, "float") }),
		rapid.String().AsAny(),
		rapid.Bool().AsAny(),
		rapid.Just[any](nil),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	list := rapid.Custom(func(t *rapid.T) any {
		elements := rapid.SliceOfN(drawValue(depth-1), 0, 4).Draw(t, "list")
		if elements == nil {
			return []any{}
		}
		return elements
	})
	mapping := rapid.Custom(func(t *rapid.T) any {
		keys := rapid.SliceOfNDistinct(rapid.String(), 0, 4, rapid.ID[string]).Draw(t, "keys")
		m := etf.Map{}
		for _, key := range keys {
			m = append(m, etf.Pair{Key: key, Value: drawValue(depth-1).Draw(t, "value")})
		}
		return m
	})
	return rapid.OneOf(append(scalars, list, mapping)...)
}

func TestAnySequenceOfMessagesSurvivesTheWriter(t *testing.T) {
	for _, codec := range []Codec{ETF, MessagePack} {
		t.Run(codec.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				values := rapid.SliceOfN(drawValue(3), 1, 30).Draw(t, "values")
				var out bytes.Buffer
				w := NewWriter(&out)
				w.SetCodec(codec)
				for _, v := range values {
					raw, err := etf.Append(nil, v)
					require.NoError(t, err)
					w.Queue(codec.Pong(raw))
					if rapid.Bool().Draw(t, "flush") {
						w.Flush()
					}
				}
				w.Flush()

				// A pong that is called a ping is what the client would have said.
				stream := bytes.ReplaceAll(out.Bytes(), []byte("\x04pong"), []byte("\x04ping"))
				stream = bytes.ReplaceAll(stream, []byte("\xa4pong"), []byte("\xa4ping"))
				r := NewPacketReader(bytes.NewReader(stream), 0)
				var p Parser
				var got []any
				for {
					packet, err := r.Next()
					if err == io.EOF {
						break
					}
					require.NoError(t, err)
					p.Open(packet)
					for m := p.Next(); m != nil; m = p.Next() {
						var v any
						require.IsType(t, &Ping{}, m)
						require.NoError(t, m.(*Ping).Term.Unmarshal(&v))
						got = append(got, v)
					}
				}
				require.Equal(t, values, got)
			})
		})
	}
}

func TestAnySequenceOfBadMessagesSparesTheGoodOnes(t *testing.T) {
	bad := []any{
		5, "drain", etf.Tuple{}, etf.Tuple{1}, tuple("launch"), tuple("call", 1), tuple("call", 1, 2, 3), tuple("credit", 1, -1),
		tuple("hello", 1), tuple("reply", 1, 2), tuple("call", 1, 2, 3, 4, 5, 6, 7, 8),
	}
	rapid.Check(t, func(t *rapid.T) {
		var batch []any
		pings := 0
		for _, choice := range rapid.SliceOfN(rapid.IntRange(-len(bad), len(bad)-1), 0, 30).Draw(t, "messages") {
			if choice < 0 {
				batch = append(batch, tuple("ping", pings))
				pings++
			} else {
				batch = append(batch, bad[choice])
			}
		}
		b, err := etf.Marshal(batch)
		require.NoError(t, err)
		messages := parse(b)
		require.Len(t, messages, len(batch))
		next := 0
		for _, m := range messages {
			if ping, ok := m.(*Ping); ok {
				require.Equal(t, etf.Raw(etf.AppendInt(nil, int64(next))), ping.Term)
				next++
			}
		}
		require.Equal(t, pings, next)
	})
}
