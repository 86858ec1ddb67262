package termtext

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// number reads an integer of any base and size, or a float.
func (r *Reader) number() (any, error) {
	start := r.at
	sign := ""
	if c, _ := r.peek(); c == '-' || c == '+' {
		if r.take() == "-" {
			sign = "-"
		}
		if c, _ := r.peek(); !isDigit(c) {
			return nil, r.unexpected("a digit")
		}
	}
	digits := r.grouped(isDigit)
	switch c, _ := r.peek(); {
	case c == '#':
		base, err := strconv.Atoi(digits)
		if err != nil || base < 2 || base > 36 {
			return nil, start.problem("%s is no base, expected 2 to 36", digits)
		}
		r.take()
		return r.based(sign, base)
	case digits == "0" && (c == 'x' || c == 'o' || c == 'b'):
		r.take()
		return r.based(sign, map[rune]int{'x': 16, 'o': 8, 'b': 2}[c])
	case c == 'e' || c == 'E', c == '.' && isDigit(rune(r.peekSecond())):
		return r.float(start, sign+digits)
	}
	return integer(sign+digits, 10), nil
}

// grouped reads digits, which may have underscores between them.
func (r *Reader) grouped(wanted func(rune) bool) string {
	var digits strings.Builder
	for {
		c, ok := r.peek()
		switch {
		case ok && wanted(c):
			digits.WriteString(r.take())
		case ok && c == '_' && digits.Len() > 0:
			r.take()
		default:
			return digits.String()
		}
	}
}

// based reads the digits after a base.
func (r *Reader) based(sign string, base int) (any, error) {
	digits := r.grouped(func(c rune) bool { return digitValue(c) < base })
	if digits == "" {
		return nil, r.unexpected("a digit of base " + strconv.Itoa(base))
	}
	return integer(sign+digits, base), nil
}

func digitValue(c rune) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'Z':
		return int(c-'A') + 10
	}
	return math.MaxInt
}

func integer(digits string, base int) any {
	if v, err := strconv.ParseInt(digits, base, 64); err == nil {
		return v
	}
	v, _ := new(big.Int).SetString(digits, base)
	return v
}

// float reads what follows the digits before the point or the exponent.
func (r *Reader) float(start position, text string) (any, error) {
	if r.accept('.') {
		text += "." + r.grouped(isDigit)
	}
	if c, _ := r.peek(); c == 'e' || c == 'E' {
		text += r.take()
		if c, _ := r.peek(); c == '-' || c == '+' {
			text += r.take()
		}
		digits := r.grouped(isDigit)
		if digits == "" {
			return nil, r.unexpected("a digit of the exponent")
		}
		text += digits
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, start.problem("%s is no float: it is out of range", text)
	}
	return v, nil
}
