package etf_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// A corpusTerm is a line of testdata/corpus.txt, which a real BEAM wrote.
type corpusTerm struct {
	name   string
	data   []byte
	accept bool // by binary_to_term
}

func readCorpus(tb testing.TB) []corpusTerm {
	tb.Helper()
	file, err := os.Open("testdata/corpus.txt")
	require.NoError(tb, err)
	defer file.Close()
	var terms []corpusTerm
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fields := strings.SplitN(lines.Text(), " ", 3)
		require.Len(tb, fields, 3, "line %q", lines.Text())
		data, err := hex.DecodeString(fields[2])
		require.NoError(tb, err)
		terms = append(terms, corpusTerm{name: fields[1], data: data, accept: fields[0] == "accept"})
	}
	require.NoError(tb, lines.Err())
	return terms
}

func acceptedCorpus(tb testing.TB) []corpusTerm {
	var accepted []corpusTerm
	for _, term := range readCorpus(tb) {
		if _, err := (etf.Limits{}).Parse(term.data); err == nil {
			accepted = append(accepted, term)
		}
	}
	return accepted
}

// stricter names the terms of the corpus that OTP accepts and Parse does not, and why.
var stricter = map[string]string{
	"fun_pid_no_pid":      "later OTPs refuse it",
	"zip_trailing_inside": "bytes follow the term, inside of the compression",
	"tag_114":             "a reference of no words",
}

func TestCorpusIsAcceptedAsByOTP(t *testing.T) {
	for _, term := range readCorpus(t) {
		_, err := etf.Limits{}.Parse(term.data)
		if why, ok := stricter[term.name]; ok {
			assert.Error(t, err, "%s: %s", term.name, why)
			continue
		}
		assert.Equal(t, term.accept, err == nil, "%s: OTP accepts: %v, Parse says: %v\n% x", term.name, term.accept, err, head(term.data))
	}
}

func TestCorpusKeepsItsMeaning(t *testing.T) {
	for _, term := range acceptedCorpus(t) {
		t.Run(term.name, func(t *testing.T) {
			var first, second any
			require.NoError(t, etf.Unmarshal(term.data, &first))
			encoded, err := etf.Marshal(first)
			require.NoError(t, err)
			require.NoError(t, etf.Unmarshal(encoded, &second))
			assert.Equal(t, first, second)
			body, err := etf.Limits{}.Parse(term.data)
			require.NoError(t, err)
			assert.Equal(t, len(body), etf.Size(body))
		})
	}
}

// TestCorpusCutShort scans every prefix of every term: none but the whole is a term.
func TestCorpusCutShort(t *testing.T) {
	for _, term := range acceptedCorpus(t) {
		if len(term.data) > 2000 {
			continue
		}
		for n := range term.data {
			_, err := etf.Limits{}.Parse(term.data[:n])
			require.Error(t, err, "%s: the first %d of %d bytes", term.name, n, len(term.data))
		}
	}
}

func head(b []byte) []byte { return b[:min(len(b), 60)] }
