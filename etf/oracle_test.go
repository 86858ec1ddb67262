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

func (o *oracle) ask(request ...[]byte) byte {
	o.tb.Helper()
	body := bytes.Join(request, nil)
	_, err := o.in.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	require.NoError(o.tb, err)
	var answer [5]byte
	_, err = io.ReadFull(o.out, answer[:])
	require.NoError(o.tb, err)
	return answer[4]
}

// accepts reports whether binary_to_term takes data, all of it.
func (o *oracle) accepts(data []byte) bool { return o.ask([]byte("d"), data) == 'a' }

// equal reports whether two terms are =:=.
func (o *oracle) equal(a, b []byte) bool {
	return o.ask([]byte("e"), binary.BigEndian.AppendUint32(nil, uint32(len(a))), a, b) == 'y'
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
	beam := startOracle(t)
	for _, term := range acceptedCorpus(t) {
		encoded, err := roundTrip(term.data)
		if !assert.NoError(t, err, term.name) {
			continue
		}
		assert.True(t, beam.equal(term.data, encoded), "%s:\n% x\nwas encoded as\n% x", term.name, head(term.data), head(encoded))
	}
}

// TestOracleMutants changes terms of the corpus at random, and wants OTP and Parse to agree on what is left.
func TestOracleMutants(t *testing.T) {
	const mutants = 20_000
	beam := startOracle(t)
	corpus := smallCorpus(t, 600)
	random := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range mutants {
		term := corpus[random.IntN(len(corpus))]
		data := mutate(random, term.data, corpus)
		_, err := etf.Limits{}.Parse(data)
		theirs := beam.accepts(data)
		if excused(beam, data, err, theirs) {
			continue
		}
		if !assert.Equal(t, theirs, err == nil, "a mutant of %s: OTP accepts: %v, Parse says: %v\n% x", term.name, theirs, err, data) || err != nil {
			continue
		}
		accepted++
		encoded, err := roundTrip(data)
		if assert.NoError(t, err, "a mutant of %s\n% x", term.name, data) {
			assert.True(t, beam.equal(data, encoded), "a mutant of %s:\n% x\nwas encoded as\n% x", term.name, data, encoded)
		}
	}
	assert.Greater(t, accepted, mutants/20, "too few mutants are terms to say much")
}

// excused reports whether a disagreement is one that Scan documents: OTP reading past the end of a term or taking a tag
// that is its own business (atoms by their number), a creator that is no pid, or identifiers that the BEAM knows cannot
// be its own, which it accepts from any other node.
func excused(beam *oracle, data []byte, err error, theirs bool) bool {
	switch {
	case theirs == (err == nil):
		return false
	case theirs:
		for _, why := range []string{"a reference has 0 words", "a float has the text", "the pid that made a fun is missing", "follow the term",
			"tag 73 is unknown", "tag 75 is unknown"} {
			if strings.Contains(err.Error(), why) {
				return true
			}
		}
		return false
	}
	elsewhere := bytes.ReplaceAll(data, []byte("nonode@nohost"), []byte("nonode@nohosx"))
	return !bytes.Equal(elsewhere, data) && beam.accepts(elsewhere)
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
