package etf_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func seedCorpus(f *testing.F) {
	for _, term := range smallCorpus(f, 400) {
		f.Add(term.data)
	}
}

// FuzzScan wants no panic of any bytes, and of every term that Parse accepts that it decodes, encodes to a term that
// Parse accepts too, and that this one means the same.
func FuzzScan(f *testing.F) {
	seedCorpus(f)
	limits := etf.Limits{MaxInflated: 1 << 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		body, err := limits.Parse(data)
		if err != nil {
			return
		}
		require.Equal(t, len(body), etf.Size(body))
		var first, second any
		require.NoError(t, etf.Decode(body, &first))
		encoded, err := etf.Append(nil, first)
		require.NoError(t, err)
		n, err := etf.Limits{MaxDepth: 2000}.Scan(encoded)
		require.NoError(t, err)
		require.Equal(t, len(encoded), n)
		require.NoError(t, etf.Decode(encoded, &second))
		again, err := etf.Append(nil, second)
		require.NoError(t, err)
		require.True(t, bytes.Equal(encoded, again), "% x\n% x", encoded, again)
		if elements, err := etf.SplitList(body, nil); err == nil {
			for _, element := range elements {
				n, err := limits.Scan(element)
				require.NoError(t, err)
				require.Equal(t, len(element), n)
			}
		}
	})
}

// FuzzRead wants no panic of the readers, even for bytes that have not been scanned.
func FuzzRead(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		reads := make([]int, 6)
		_, reads[0], _ = etf.ReadTuple(data)
		_, reads[1], _ = etf.ReadList(data)
		_, reads[2], _ = etf.ReadMap(data)
		_, reads[3], _ = etf.ReadAtom(data)
		_, reads[4], _ = etf.ReadBinary(data)
		_, reads[5], _ = etf.ReadInt(data)
		for _, n := range reads {
			require.LessOrEqual(t, n, len(data))
		}
	})
}
