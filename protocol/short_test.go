package protocol

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestOnlyResultsOfIntegersAreShort(t *testing.T) {
	cases := map[string]struct {
		codec Codec
		ref   etf.Raw
		short bool
	}{
		"a byte":                    {ETF, term(t, 7), true},
		"a negative number":         {ETF, term(t, -7), true},
		"the largest number":        {ETF, term(t, int64(math.MaxInt64)), true},
		"a number too large":        {ETF, term(t, uint64(math.MaxUint64)), false},
		"a binary":                  {ETF, term(t, "7"), false},
		"a tuple of an integer":     {ETF, term(t, etf.Tuple{7}), false},
		"an integer in MessagePack": {MessagePack, ref(t, MessagePack, 7), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			short, err := c.codec.ShortResult(c.ref, "value")
			require.NoError(t, err)
			long, err := c.codec.Result(c.ref, "value")
			require.NoError(t, err)
			if c.short {
				want := append(append(etf.AppendTuple(nil, 2), c.ref...), term(t, "value")...)
				assert.Equal(t, want, short.buf[headroom:])
			} else {
				assert.Equal(t, long.buf[headroom:], short.buf[headroom:])
			}
		})
	}
}

func TestAShortResultThatCannotBeEncodedIsAnError(t *testing.T) {
	_, err := ETF.ShortResult(term(t, 1), func() {})
	require.Error(t, err)
}
