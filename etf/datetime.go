package etf

import (
	"fmt"
	"reflect"
	"time"
)

// A time.Time is an Elixir DateTime: a struct with the calendar fields of an instant in its time zone, and that zone's
// offsets in seconds. It goes out in UTC, cut to microseconds.

const (
	// Calendar.ISO covers these years.
	minYear, maxYear = -9999, 9999
	// maxOffset is past every real offset, and keeps sums of them far from overflow.
	maxOffset = 48 * 3600
)

var (
	dateTimeHead = func() []byte {
		dst := AppendMap(nil, 13)
		dst = appendPair(dst, "__struct__", "Elixir.DateTime")
		dst = appendPair(dst, "calendar", "Elixir.Calendar.ISO")
		dst = AppendString(AppendAtom(dst, "time_zone"), "Etc/UTC")
		dst = AppendString(AppendAtom(dst, "zone_abbr"), "UTC")
		dst = AppendInt(AppendAtom(dst, "utc_offset"), 0)
		return AppendInt(AppendAtom(dst, "std_offset"), 0)
	}()
	dateTimeType = reflect.TypeFor[wireDateTime]()
)

func appendPair(dst []byte, key, value string) []byte {
	return AppendAtom(AppendAtom(dst, key), value)
}

func timePlan() *plan {
	return &plan{
		expected: "DateTime",
		encode: func(dst []byte, v reflect.Value, _ place) ([]byte, error) {
			t, _ := reflect.TypeAssert[time.Time](v)
			return appendTime(dst, t)
		},
		decode: func(b []byte, v reflect.Value, _ bool) (int, error) {
			t, n, err := readTime(b)
			if err != nil {
				return 0, err
			}
			*v.Addr().Interface().(*time.Time) = t
			return n, nil
		},
	}
}

func appendTime(dst []byte, t time.Time) ([]byte, error) {
	t = t.UTC()
	if t.Year() < minYear || t.Year() > maxYear {
		return dst, &MarshalError{Problem: fmt.Sprintf("year %d has no DateTime, expected %d to %d", t.Year(), minYear, maxYear)}
	}
	dst = append(dst, dateTimeHead...)
	dst = AppendInt(AppendAtom(dst, "year"), int64(t.Year()))
	dst = AppendInt(AppendAtom(dst, "month"), int64(t.Month()))
	dst = AppendInt(AppendAtom(dst, "day"), int64(t.Day()))
	dst = AppendInt(AppendAtom(dst, "hour"), int64(t.Hour()))
	dst = AppendInt(AppendAtom(dst, "minute"), int64(t.Minute()))
	dst = AppendInt(AppendAtom(dst, "second"), int64(t.Second()))
	dst = AppendTuple(AppendAtom(dst, "microsecond"), 2)
	return AppendInt(AppendInt(dst, int64(t.Nanosecond()/1000)), 6), nil
}

// wireDateTime is what a DateTime says about its instant.
type wireDateTime struct {
	Calendar    Atom
	Year        int
	Month       int
	Day         int
	Hour        int
	Minute      int
	Second      int
	Microsecond struct {
		_         struct{} `etf:",tuple"`
		Value     int
		Precision int
	}
	UTCOffset int `etf:"utc_offset"`
	StdOffset int `etf:"std_offset"`
}

func readTime(b []byte) (time.Time, int, error) {
	if structName(b) != "DateTime" {
		return time.Time{}, 0, mismatch("DateTime", b)
	}
	p, err := planOf(dateTimeType)
	if err != nil {
		return time.Time{}, 0, err
	}
	var w wireDateTime
	n, err := p.decode(b, reflect.ValueOf(&w).Elem(), false)
	if err != nil {
		return time.Time{}, 0, err
	}
	t, ok := w.time()
	if !ok {
		return time.Time{}, 0, mismatch("DateTime of Calendar.ISO, with fields in range", b)
	}
	return t, n, nil
}

// time returns the instant in UTC; ok is false when the fields are out of range or contradict each other.
func (w *wireDateTime) time() (t time.Time, ok bool) {
	us := w.Microsecond
	ok = w.Calendar == "Elixir.Calendar.ISO" && within(w.Year, minYear, maxYear) && within(w.Month, 1, 12) && within(w.Day, 1, 31) && within(w.Hour, 0, 23) &&
		within(w.Minute, 0, 59) && within(w.Second, 0, 59) && within(us.Value, 0, 999_999) && within(us.Precision, 0, 6) &&
		within(w.UTCOffset, -maxOffset, maxOffset) && within(w.StdOffset, -maxOffset, maxOffset)
	if !ok {
		return t, false
	}
	t = time.Date(w.Year, time.Month(w.Month), w.Day, w.Hour, w.Minute, w.Second, us.Value*1000, time.UTC)
	if t.Day() != w.Day { // there is no 30 February
		return t, false
	}
	return t.Add(-time.Duration(w.UTCOffset+w.StdOffset) * time.Second), true
}

func within(x, low, high int) bool { return low <= x && x <= high }
