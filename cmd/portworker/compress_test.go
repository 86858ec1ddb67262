package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker"
	"portworker/etf"
	"portworker/portworkertest"
)

// converse opens a channel, sends it inputs as it has room for them, and returns all it says.
func converse(t *testing.T, peer *portworkertest.Peer, name string, arg any, inputs ...string) (string, *portworker.Error) {
	t.Helper()
	ref := peer.Start(name, atoms("credit", plenty, "input_credit", true), arg)
	var said strings.Builder
	for credit := 64; len(inputs) > 0; {
		n := min(credit, len(inputs))
		for _, input := range inputs[:n] {
			peer.SendInput(ref, input)
		}
		inputs = inputs[n:]
		for credit -= n; credit == 0 && len(inputs) > 0; {
			switch message := peer.Next(); message[0] {
			case etf.Atom("credit"):
				credit += int(message[2].(int64))
			case etf.Atom("data"):
				said.WriteString(join(message[2].([]any)))
			default:
				require.Fail(t, "unexpected", "%v", message)
			}
		}
	}
	peer.HalfClose(ref)
	result := peer.Await(ref)
	return said.String() + join(result.Elements), result.Err
}

func join(binaries []any) string {
	var all strings.Builder
	for _, b := range binaries {
		all.WriteString(b.(string))
	}
	return all.String()
}

// prose is text that shrinks, but not to nothing.
func prose(n int) string {
	words := strings.Fields("the worker reads what the client sends and answers when a task ends or fails to end in time")
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for text.Len() < n {
		text.WriteString(words[random.IntN(len(words))])
		text.WriteByte(" \n.,"[random.IntN(4)])
	}
	return text.String()[:n]
}

// cut divides text into inputs of n bytes.
func cut(text string, n int) (inputs []string) {
	for len(text) > n {
		inputs, text = append(inputs, text[:n]), text[n:]
	}
	return append(inputs, text)
}

func gunzip(t *testing.T, compressed string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(compressed))
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(content)
}

func unzstd(t *testing.T, compressed string) string {
	t.Helper()
	r, err := zstd.NewReader(strings.NewReader(compressed))
	require.NoError(t, err)
	defer r.Close()
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(content)
}

func TestCompressMakesWhatOthersRead(t *testing.T) {
	text := prose(300_000)
	formats := map[string]struct {
		argument   etf.Map
		decompress func(*testing.T, string) string
	}{
		"gzip":            {atoms("format", etf.Atom("gzip")), gunzip},
		"gzip, fast":      {atoms("format", "gzip", "level", 1), gunzip},
		"gzip, best":      {atoms("format", "gzip", "level", 9), gunzip},
		"zstd":            {atoms("format", etf.Atom("zstd")), unzstd},
		"zstd, fast":      {atoms("format", "zstd", "level", 1), unzstd},
		"zstd, best":      {atoms("format", "zstd", "level", 22), unzstd},
		"nil for a level": {atoms("format", "gzip", "level", nil), gunzip},
	}
	contents := map[string][]string{
		"nothing at all":    nil,
		"an empty input":    {""},
		"one input":         {"hello"},
		"many small inputs": cut(text[:5_000], 7),
		"large inputs":      cut(text, 100_000),
	}
	peer := connect(t)
	for format, how := range formats {
		for content, inputs := range contents {
			t.Run(format+", "+content, func(t *testing.T) {
				compressed, err := converse(t, peer, "compress", how.argument, inputs...)
				require.Nil(t, err)
				assert.Equal(t, strings.Join(inputs, ""), how.decompress(t, compressed))
				if len(inputs) > 1 {
					assert.Less(t, len(compressed), len(strings.Join(inputs, "")))
				}
			})
		}
	}
}

func TestDecompressUndoesCompress(t *testing.T) {
	peer := connect(t)
	text := prose(300_000)
	for _, format := range []string{"gzip", "zstd"} {
		for name, size := range map[string]int{"in one": 1 << 20, "in small ones": 1000} {
			t.Run(format+" "+name, func(t *testing.T) {
				compressed, err := converse(t, peer, "compress", atoms("format", format), text)
				require.Nil(t, err)
				got, err := converse(t, peer, "decompress", atoms("format", format), cut(compressed, size)...)
				require.Nil(t, err)
				assert.Equal(t, text, got)
			})
		}
	}
}

func TestDecompressIsBounded(t *testing.T) {
	peer := connect(t)
	for _, format := range []string{"gzip", "zstd"} {
		bomb, err := converse(t, peer, "compress", atoms("format", format), strings.Repeat("\x00", 10<<20))
		require.Nil(t, err)
		cases := map[string]struct {
			most int
			fits bool
		}{"what fits": {10 << 20, true}, "a byte too many": {10<<20 - 1, false}, "far too many": {1000, false}, "nothing allowed": {0, false}}
		for name, tc := range cases {
			t.Run(format+", "+name, func(t *testing.T) {
				got, err := converse(t, peer, "decompress", atoms("format", format, "max_bytes", tc.most), bomb)
				if tc.fits {
					require.Nil(t, err)
					assert.Len(t, got, tc.most)
					return
				}
				require.NotNil(t, err)
				assert.Contains(t, err.Message, "decompress: expected at most")
				assert.LessOrEqual(t, len(got), tc.most)
			})
		}
	}
}

func TestDecompressRefusesWhatIsDamaged(t *testing.T) {
	peer := connect(t)
	for _, format := range []string{"gzip", "zstd"} {
		whole, err := converse(t, peer, "compress", atoms("format", format), prose(10_000))
		require.Nil(t, err)
		flipped := []byte(whole)
		flipped[len(flipped)-2] ^= 0xff // in the checksum
		cases := map[string]string{
			"half of it":       whole[:len(whole)/2],
			"another checksum": string(flipped),
			"something else":   strings.Repeat("not compressed ", 10),
		}
		for name, input := range cases {
			t.Run(format+", "+name, func(t *testing.T) {
				_, err := converse(t, peer, "decompress", atoms("format", format), input)
				require.NotNil(t, err)
				assert.Equal(t, portworker.Failed, err.Reason)
				assert.Contains(t, err.Message, "decompress: ")
			})
		}
	}
}

func TestDecompressRefusesALargeWindow(t *testing.T) {
	var compressed bytes.Buffer
	w, err := zstd.NewWriter(&compressed, zstd.WithWindowSize(64<<20), zstd.WithEncoderConcurrency(1))
	require.NoError(t, err)
	_, err = io.Copy(w, strings.NewReader(strings.Repeat(prose(1<<20), 10)))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	peer := connect(t)
	_, failure := converse(t, peer, "decompress", atoms("format", "zstd"), compressed.String())
	require.NotNil(t, failure)
	assert.Contains(t, failure.Message, "window size exceeded")
}

func TestCompressEndsWithItsTask(t *testing.T) {
	for _, name := range []string{"compress", "decompress"} {
		for _, format := range []string{"gzip", "zstd"} {
			t.Run(name+" "+format, func(t *testing.T) {
				peer := connect(t)
				requireCancelled(t, peer, peer.Start(name, nil, atoms("format", format)))
			})
		}
	}
}

func TestCompressWaitsForTheOneWhoTakes(t *testing.T) {
	peer := connect(t)
	ref := peer.Start("compress", atoms("credit", 1), atoms("format", "gzip", "level", 1))
	peer.SendInput(ref, prose(1<<20))
	peer.Elements(ref, 1)
	peer.HalfClose(ref)
	peer.Quiet()
	peer.Grant(ref, plenty)
	assert.Nil(t, peer.Await(ref).Err)
}

func TestCompressionRefuses(t *testing.T) {
	cases := map[string]struct {
		name     string
		argument any
		message  string
	}{
		"an unknown format":      {"compress", atoms("format", "brotli"), `format: expected gzip or zstd, got "brotli"`},
		"no format":              {"compress", atoms("level", 1), "format"},
		"too little":             {"compress", atoms("format", "gzip", "level", 0), "level: expected an integer from 1 to 9, got 0"},
		"too much":               {"compress", atoms("format", "zstd", "level", 23), "level: expected an integer from 1 to 22, got 23"},
		"an unknown format back": {"decompress", atoms("format", "brotli"), `format: expected gzip or zstd, got "brotli"`},
		"less than nothing":      {"decompress", atoms("format", "gzip", "max_bytes", -1), "max_bytes: expected an integer of at least 0, got -1"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			requireFailure(t, portworker.BadArgs, tc.message, tc.name, tc.argument)
		})
	}
}
