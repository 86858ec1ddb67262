package etf_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// An oracle is a BEAM that judges terms with its own binary_to_term.
type oracle struct {
	tb  testing.TB
	in  io.WriteCloser
	out io.Reader
}

// A question asks whether OTP accepts a term, and whether it is =:= another one, if there is one.
type question struct{ term, other []byte }

// The answers of testdata/oracle.escript.
const (
	refused  = 'r'
	accepted = 'a'
	same     = 'y'
)

func startOracle(tb testing.TB) *oracle {
	tb.Helper()
	escript, err := exec.LookPath("escript")
	require.NoError(tb, err, "this test asks a real BEAM: install Erlang (Debian: apt-get install erlang-base), or run make test, which does")
	cmd := exec.Command(escript, "testdata/oracle.escript")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(tb, err)
	out, err := cmd.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() {
		assert.NoError(tb, in.Close())
		assert.NoError(tb, cmd.Wait())
	})
	return &oracle{tb: tb, in: in, out: out}
}

// judge answers questions, a byte for each.
func (o *oracle) judge(questions []question) []byte {
	o.tb.Helper()
	request := make([]byte, 4)
	for _, q := range questions {
		for _, term := range [][]byte{q.term, q.other} {
			request = binary.BigEndian.AppendUint32(request, uint32(len(term)))
			request = append(request, term...)
		}
	}
	binary.BigEndian.PutUint32(request, uint32(len(request)-4))
	_, err := o.in.Write(request)
	require.NoError(o.tb, err)
	answers := make([]byte, 4+len(questions))
	_, err = io.ReadFull(o.out, answers)
	require.NoError(o.tb, err)
	return answers[4:]
}

// roundTrip decodes data into any and encodes that again.
func roundTrip(data []byte) ([]byte, error) {
	var v any
	if err := etf.Unmarshal(data, &v); err != nil {
		return nil, err
	}
	return etf.Marshal(v)
}

func TestOracleCorpusRoundTrip(t *testing.T) {
	corpus := acceptedCorpus(t)
	questions := make([]question, len(corpus))
	for i, term := range corpus {
		encoded, err := roundTrip(term.data)
		require.NoError(t, err, term.name)
		questions[i] = question{term.data, encoded}
	}
	for i, answer := range startOracle(t).judge(questions) {
		assert.Equal(t, same, rune(answer), "%s:\n% x\nwas encoded as\n% x", corpus[i].name, head(questions[i].term), head(questions[i].other))
	}
}

// TestOracleMutants changes terms of the corpus at random, and wants OTP and Parse to agree on what is left.
func TestOracleMutants(t *testing.T) {
	const mutants = 20_000
	beam := startOracle(t)
	corpus := smallCorpus(t, 600)
	random := rand.New(rand.NewPCG(1, 2))
	questions, errs, terms := make([]question, mutants), make([]error, mutants), 0
	for i := range questions {
		data := mutate(random, corpus[random.IntN(len(corpus))].data, corpus)
		questions[i].term = data
		if _, errs[i] = (etf.Limits{}).Parse(data); errs[i] != nil {
			continue
		}
		terms++
		encoded, err := roundTrip(data)
		require.NoError(t, err, "% x", data)
		questions[i].other = encoded
	}
	assert.Greater(t, terms, mutants/20, "too few mutants are terms to say much")
	for i, answer := range beam.judge(questions) {
		q, err := questions[i], errs[i]
		switch {
		case err == nil && answer == same, err != nil && answer == refused, excused(beam, q.term, err, answer):
		case err == nil && answer != refused:
			assert.Fail(t, "not the same term", "% x\nwas encoded as\n% x", q.term, q.other)
		default:
			assert.Fail(t, "OTP and Parse disagree", "OTP accepts: %v, Parse says: %v\n% x", answer != refused, err, q.term)
		}
	}
}

// excused reports whether a disagreement is one that Scan documents: OTP reading past the end of a term or taking a tag
// that is its own business (atoms by their number), a creator that is no pid, or identifiers that the BEAM knows cannot
// be its own, which it accepts from any other node.
func excused(beam *oracle, data []byte, err error, answer byte) bool {
	if err != nil {
		for _, why := range []string{"a reference has 0 words", "a float has the text", "the pid that made a fun is missing", "follow the term",
			"tag 73 is unknown", "tag 75 is unknown"} {
			if strings.Contains(err.Error(), why) {
				return true
			}
		}
		return false
	}
	elsewhere := bytes.ReplaceAll(data, []byte("nonode@nohost"), []byte("nonode@nohosx"))
	return answer == refused && !bytes.Equal(elsewhere, data) && beam.judge([]question{{term: elsewhere}})[0] == accepted
}

func smallCorpus(tb testing.TB, limit int) []corpusTerm {
	var small []corpusTerm
	for _, term := range readCorpus(tb) {
		if len(term.data) > 1 && len(term.data) <= limit {
			small = append(small, term)
		}
	}
	return small
}

// mutate changes one to three places of data: a byte, a bit, a cut, an insertion, a stretch of another term.
func mutate(random *rand.Rand, data []byte, corpus []corpusTerm) []byte {
	data = bytes.Clone(data)
	for range 1 + random.IntN(2) {
		at := 1 + random.IntN(max(len(data)-1, 1))
		if at >= len(data) {
			return data
		}
		switch random.IntN(7) {
		case 0:
			data[at] = byte(random.UintN(256))
		case 1:
			data[at] ^= 1 << random.UintN(8)
		case 2:
			data[at] += byte(random.IntN(5) - 2)
		case 3:
			data = data[:at]
		case 4:
			data = append(data[:at:at], append([]byte{byte(random.UintN(256))}, data[at:]...)...)
		case 5:
			data = append(data[:at:at], data[at+1:]...)
		case 6:
			other := corpus[random.IntN(len(corpus))].data
			data = append(data[:at:at], other[1+random.IntN(len(other)-1):]...)
		}
	}
	return data
}
