package etf_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

// A pointer to a Raw is spared the search for a plan, and is to behave as where it is a part of something.
func TestARawByItsPointerIsLikeOneInside(t *testing.T) {
	var none *etf.Raw
	empty, one, two, cut := etf.Raw{}, etf.Raw("a\x07"), etf.Raw("a\x07a\x08"), etf.Raw("a")
	for name, r := range map[string]*etf.Raw{"none": none, "empty": &empty, "a term": &one, "two terms": &two, "half a term": &cut} {
		t.Run(name, func(t *testing.T) {
			got, err := etf.Append([]byte("before"), r)
			inside, insideErr := etf.Append([]byte("before"), struct {
				_ struct{} `etf:",tuple"`
				R *etf.Raw
			}{R: r})
			assert.Equal(t, insideErr == nil, err == nil)
			if err == nil {
				assert.Equal(t, inside[len("before")+2:], got[len("before"):])
				return
			}
			assert.Equal(t, "before", string(got))
			assert.ErrorContains(t, insideErr, err.Error())
		})
	}
}

func TestDecodeIntoARaw(t *testing.T) {
	term := etf.Raw("a\x07")
	var own, alias etf.Raw
	require.NoError(t, term.Unmarshal(&own))
	require.NoError(t, etf.Decode(term, &alias))
	assert.Same(t, &term[0], &alias[0], "it aliases what was scanned")
	term[1] = 8
	assert.Equal(t, etf.Raw("a\x07"), own, "a copy")
	assert.Equal(t, 2, cap(alias), "nothing behind it is reached by appending")
	assert.ErrorContains(t, etf.Decode(term, (*etf.Raw)(nil)), "expected a pointer that is not nil")
	assert.Error(t, etf.Decode(nil, &alias))
}

func TestARawCostsNoAllocation(t *testing.T) {
	term, dst := etf.Raw("m\x00\x00\x00\x02hi"), make([]byte, 0, 100)
	var got etf.Raw
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if etf.Decode(term, &got) != nil {
			t.Error("no term")
		}
		if _, err := etf.Append(dst, &got); err != nil {
			t.Error(err)
		}
	}))
}
