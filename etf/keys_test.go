package etf_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"

	"portworker/etf"
)

// TestOracleKeys makes maps whose keys come from a small set of values, each in an encoding of its own, and wants OTP
// and Scan to agree on which of them repeat a key.
func TestOracleKeys(t *testing.T) {
	const maps = 5000
	random := rand.New(rand.NewPCG(5, 6))
	questions := make([]question, maps)
	for i := range questions {
		questions[i].term = append([]byte{etf.Version}, randomMap(random, 1+random.IntN(4), 2)...)
	}
	repeating := 0
	for i, answer := range startOracle(t).judge(questions) {
		_, err := etf.Limits{}.Parse(questions[i].term)
		assert.Equal(t, answer == accepted, err == nil, "Parse says: %v\n% x", err, questions[i].term)
		if err != nil {
			repeating++
		}
	}
	assert.Greater(t, repeating, maps/10)
	assert.Less(t, repeating, maps*9/10)
}

func randomMap(random *rand.Rand, size, depth int) []byte {
	term := etf.AppendMap(nil, size)
	for range size {
		term = append(term, randomKey(random, depth)...)
		term = append(term, randomKey(random, 0)...)
	}
	return term
}

// randomKey encodes one of a few values in one of the ways that OTP reads it.
func randomKey(random *rand.Rand, depth int) []byte {
	pick := func(encodings ...string) []byte { return []byte(encodings[random.IntN(len(encodings))]) }
	kinds := 11
	if depth > 0 {
		kinds += 3
	}
	switch random.IntN(kinds) {
	case 0:
		return pick("a\x01", "b\x00\x00\x00\x01", "n\x01\x00\x01", "n\x03\x00\x01\x00\x00", "o\x00\x00\x00\x01\x00\x01", "l\x00\x00\x00\x00a\x01")
	case 1:
		return pick("b\xff\xff\xff\xff", "n\x01\x01\x01", "n\x01\x02\x01")
	case 2:
		return pick("w\x01a", "d\x00\x01a", "s\x01a", "v\x00\x01a")
	case 3:
		return pick("w\x02\xc3\xa9", "s\x01\xe9", "d\x00\x01\xe9", "v\x00\x02\xc3\xa9")
	case 4:
		return pick("w\x09long name", "d\x00\x09long name", "s\x09long name", "v\x00\x09long name")
	case 5:
		return pick("m\x00\x00\x00\x01\xe0", "M\x00\x00\x00\x01\x08\xe0")
	case 6:
		return pick("M\x00\x00\x00\x01\x03\xe0", "M\x00\x00\x00\x01\x03\xff", "M\x00\x00\x00\x01\x04\xe0", "M\x00\x00\x00\x01\x04\xef")
	case 7:
		return pick("F\x00\x00\x00\x00\x00\x00\x00\x00", "F\x80\x00\x00\x00\x00\x00\x00\x00", "F\x3f\xf0\x00\x00\x00\x00\x00\x00")
	case 8:
		return pick("j", "k\x00\x00", "l\x00\x00\x00\x00j", "l\x00\x00\x00\x00k\x00\x00")
	case 9:
		return pick("k\x00\x02\x01\x02", "l\x00\x00\x00\x02a\x01a\x02j", "l\x00\x00\x00\x01a\x01k\x00\x01\x02", "l\x00\x00\x00\x01b\x00\x00\x00\x01l\x00\x00\x00\x01a\x02j",
			"l\x00\x00\x00\x01a\x01a\x02")
	case 10:
		return pick("g\x73\x01a\x00\x00\x00\x01\x00\x00\x00\x00\x01", "X\x77\x01a\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01", "Z\x00\x01w\x01a\x00\x00\x00\x01\x00\x00\x00\x01",
			"e\x64\x00\x01a\x00\x00\x00\x01\x01", "Z\x00\x02w\x01a\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00")
	case 11:
		return append(pick("h\x02", "i\x00\x00\x00\x02"), append(randomKey(random, depth-1), randomKey(random, depth-1)...)...)
	case 12:
		list := binary.BigEndian.AppendUint32([]byte("l"), 2)
		return append(list, append(randomKey(random, 0), append(randomKey(random, 0), pick("j", "k\x00\x00")...)...)...)
	}
	return randomMap(random, random.IntN(3), depth-1)
}
