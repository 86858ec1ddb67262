package wire

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
	"portworker/internal/termtext"
)

func packet(t *testing.T, text string) []byte {
	t.Helper()
	v, err := termtext.Parse(text)
	require.NoError(t, err, text)
	packet, err := etf.Append([]byte{etf.Version}, v)
	require.NoError(t, err)
	return packet
}

func TestShortMessagesAreWhatTheyStandFor(t *testing.T) {
	long := map[string]string{
		`{7, <<"x">>}`:           `{result, 7, {ok, <<"x">>}}`,
		`{7, {error, no}}`:       `{result, 7, {ok, {error, no}}}`,
		`{7, echo, [x], 3}`:      `{call, 7, echo, [x], 3}`,
		`[{7, 1}, {pong, 2}]`:    `[{result, 7, {ok, 1}}, {pong, 2}]`,
		`[{1, f, [], 3}, drain]`: `[{call, 1, f, [], 3}, drain]`,
	}
	for short, want := range long {
		t.Run(short, func(t *testing.T) {
			got, err := Split(packet(t, short))
			require.NoError(t, err)
			expected, err := Split(packet(t, want))
			require.NoError(t, err)
			assert.Equal(t, expected, got)
		})
	}
}

func TestWhatIsNoMessage(t *testing.T) {
	for _, text := range []string{`{7}`, `{7, f, []}`, `{7, f, [], 3, 4}`, `{<<"a">>, 1}`, `{1.0, 2}`, `{}`, `7`} {
		t.Run(text, func(t *testing.T) {
			_, err := Split(packet(t, text))
			require.Error(t, err)
		})
	}
}
