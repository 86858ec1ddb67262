package etf

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dateTime is ~U[2024-02-29 23:59:58.123456Z], with some of its fields replaced.
func dateTime(replaced Map) Map {
	m := Map{
		{Atom("__struct__"), Atom("Elixir.DateTime")}, {Atom("calendar"), Atom("Elixir.Calendar.ISO")},
		{Atom("time_zone"), "Etc/UTC"}, {Atom("zone_abbr"), "UTC"}, {Atom("utc_offset"), 0}, {Atom("std_offset"), 0},
		{Atom("year"), 2024}, {Atom("month"), 2}, {Atom("day"), 29}, {Atom("hour"), 23}, {Atom("minute"), 59},
		{Atom("second"), 58}, {Atom("microsecond"), Tuple{123456, 6}},
	}
	for _, pair := range replaced {
		i := slices.IndexFunc(m, func(p Pair) bool { return p.Key == pair.Key })
		m[i].Value = pair.Value
	}
	return m
}

func TestTimeIsADateTime(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	in := time.Date(2024, 3, 1, 0, 59, 58, 123456789, zone)
	assert.Equal(t, termOf(t, dateTime(nil)), termOf(t, in), "in UTC, cut to microseconds")
	var out time.Time
	require.NoError(t, termOf(t, in).Unmarshal(&out))
	assert.Equal(t, time.Date(2024, 2, 29, 23, 59, 58, 123456000, time.UTC), out)
}

func TestTimeReads(t *testing.T) {
	cases := []struct {
		name     string
		replaced Map
		want     string
	}{
		{"UTC", nil, "2024-02-29T23:59:58.123456Z"},
		{"offset of summer in Berlin", Map{{Atom("utc_offset"), 3600}, {Atom("std_offset"), 3600}}, "2024-02-29T21:59:58.123456Z"},
		{"offset across the year", Map{{Atom("utc_offset"), -3600}, {Atom("month"), 12}, {Atom("day"), 31}}, "2025-01-01T00:59:58.123456Z"},
		{"no microseconds", Map{{Atom("microsecond"), Tuple{0, 0}}}, "2024-02-29T23:59:58Z"},
		{"year 0", Map{{Atom("year"), 0}}, "0000-02-29T23:59:58.123456Z"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got time.Time
			require.NoError(t, termOf(t, dateTime(c.replaced)).Unmarshal(&got))
			assert.Equal(t, c.want, got.Format(time.RFC3339Nano))
		})
	}
}

func TestTimeRefuses(t *testing.T) {
	const outOfRange = "expected DateTime of Calendar.ISO, with fields in range, got map %DateTime{…}"
	cases := []struct {
		name string
		term any
		want string
	}{
		{"no map", 5, "expected DateTime, got integer 5"},
		{"map", Map{{Atom("year"), 2024}}, "expected DateTime, got map %{year: 2024}"},
		{"NaiveDateTime", dateTime(Map{{Atom("__struct__"), Atom("Elixir.NaiveDateTime")}}), "expected DateTime, got map %NaiveDateTime{…}"},
		{"another calendar", dateTime(Map{{Atom("calendar"), Atom("Elixir.Julian")}}), outOfRange},
		{"30 February", dateTime(Map{{Atom("day"), 30}}), outOfRange},
		{"month 13", dateTime(Map{{Atom("month"), 13}}), outOfRange},
		{"second 60", dateTime(Map{{Atom("second"), 60}}), outOfRange},
		{"microseconds past a second", dateTime(Map{{Atom("microsecond"), Tuple{1000000, 6}}}), outOfRange},
		{"huge offset", dateTime(Map{{Atom("utc_offset"), 1 << 40}}), outOfRange},
		{"year that is no integer", dateTime(Map{{Atom("year"), "2024"}}), `.year: expected integer, got binary "2024"`},
		{"missing field", dateTime(nil)[:12], `.microsecond: expected tuple of 2 elements, got no such key`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got time.Time
			assert.EqualError(t, termOf(t, c.term).Unmarshal(&got), c.want)
		})
	}
	_, err := Marshal([]time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
	assert.EqualError(t, err, "[0]: year 10000 has no DateTime, expected -9999 to 9999")
}
