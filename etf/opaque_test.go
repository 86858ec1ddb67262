package etf_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestOpaqueTerms(t *testing.T) {
	tests := []struct{ name, term, want string }{
		{"pid", "X\x77\x03a@b\x00\x00\x00\x07\x00\x00\x00\x02\x00\x00\x00\x05", "#PID<a@b.7.2>"},
		{"old pid", "g\x64\x00\x03a@b\x00\x00\x00\x07\x00\x00\x00\x02\x01", "#PID<a@b.7.2>"},
		{"port", "Y\x77\x03a@b\x00\x00\x00\x07\x00\x00\x00\x05", "#Port<a@b.7>"},
		{"port of 64 bits", "x\x77\x03a@b\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05", "#Port<a@b.4294967296>"},
		{"reference", "Z\x00\x03w\x03a@b\x00\x00\x00\x05\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03", "#Ref<a@b.3.2.1>"},
		{"oldest reference", "e\x77\x03a@b\x00\x00\x00\x01\x01", "#Ref<a@b.1>"},
		{"external fun", "q\x77\x05lists\x77\x03mapa\x02", "fun lists:map/2"},
		{"local fun", "p\x00\x00\x00\x36\x02" + string(make([]byte, 16)) + "\x00\x00\x00\x09\x00\x00\x00\x00w\x03moda\x01a\x02X\x77\x01a" + string(make([]byte, 12)), "#Fun<mod.9/2>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := etf.Limits{}.Parse([]byte("\x83" + tt.term))
			require.NoError(t, err)
			var v, again any
			require.NoError(t, raw.Unmarshal(&v))
			assert.Equal(t, tt.want, fmt.Sprint(v))
			require.NoError(t, raw.Unmarshal(&again))
			assert.True(t, v == again, "the same bytes are the same value")
			encoded, err := etf.Append(nil, v)
			require.NoError(t, err)
			assert.Equal(t, tt.term, string(encoded), "sent on as it came")
			switch v := v.(type) {
			case etf.Pid:
				assert.Equal(t, "a@b", v.Node())
			case etf.Port:
				assert.Equal(t, "a@b", v.Node())
			case etf.Ref:
				assert.Equal(t, "a@b", v.Node())
			case etf.Fun:
				assert.Equal(t, 2, v.Arity())
				assert.NotEmpty(t, v.Module())
			}
		})
	}
}

func TestOpaqueZeroValues(t *testing.T) {
	for want, v := range map[string]any{"#PID<>": etf.Pid{}, "#Port<>": etf.Port{}, "#Ref<>": etf.Ref{}, "#Fun<>": etf.Fun{}} {
		assert.Equal(t, want, fmt.Sprint(v))
		_, err := etf.Append(nil, v)
		assert.Error(t, err, want)
	}
	assert.Empty(t, etf.Pid{}.Node())
	assert.Empty(t, etf.Fun{}.Module())
	assert.Equal(t, -1, etf.Fun{}.Arity())
}
