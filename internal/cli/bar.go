package cli

import (
	"fmt"
	"math/big"
	"strings"

	"portworker/etf"
)

// doneKeys are what progress calls the part that is done.
var doneKeys = []string{"done", "current", "bytes", "completed", "processed", "count"}

// measured reads how much of a total is done, from a map with total and one of doneKeys.
func measured(term etf.Raw) (done, total float64, ok bool) {
	var progress etf.Map
	if etf.Decode(term, &progress) != nil {
		return 0, 0, false
	}
	whole, found := field(progress, "total")
	if !found {
		return 0, 0, false
	}
	for _, key := range doneKeys {
		if part, found := field(progress, key); found {
			return ratio(part, whole)
		}
	}
	return 0, 0, false
}

func field(m etf.Map, key string) (any, bool) {
	if v, ok := m.Get(etf.Atom(key)); ok {
		return v, true
	}
	return m.Get(key)
}

func ratio(part, whole any) (done, total float64, ok bool) {
	done, isNumber := number(part)
	total, isTotal := number(whole)
	return done, total, isNumber && isTotal && done >= 0 && total > 0
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		return f, true
	}
	return 0, false
}

const barWidth = 30

func drawBar(done, total float64) string {
	part := min(done/total, 1)
	filled := int(part * barWidth)
	return fmt.Sprintf("[%s%s] %3.0f%% %.0f/%.0f", strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled), part*100, done, total)
}
