package etf

import (
	"bytes"
	"math"
	"strconv"
)

// parseFloatText reads the text of a FLOAT_EXT: an optional sign, digits, a point, digits and perhaps an exponent,
// ended by a zero byte. It takes what OTP takes (a comma for the point too), except a text without a zero byte: there
// OTP reads on into whatever follows the term.
func parseFloatText(text []byte) (float64, bool) {
	end := bytes.IndexByte(text, 0)
	if end < 0 {
		return 0, false
	}
	text = text[:end]
	i := signLength(text)
	point := i + digits(text[i:])
	if point == i || point == len(text) || text[point] != '.' && text[point] != ',' {
		return 0, false
	}
	i = point + 1
	n := digits(text[i:])
	if i += n; n == 0 {
		return 0, false
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		i++
		i += signLength(text[i:])
		n = digits(text[i:])
		if i += n; n == 0 {
			return 0, false
		}
	}
	if i != len(text) {
		return 0, false
	}
	var decimal [floatText]byte
	copy(decimal[:], text)
	decimal[point] = '.'
	v, err := strconv.ParseFloat(string(decimal[:len(text)]), 64)
	return v, err == nil && !math.IsInf(v, 0)
}

func signLength(text []byte) int {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		return 1
	}
	return 0
}

// digits counts the decimal digits text begins with.
func digits(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}
