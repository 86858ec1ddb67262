package etf

import (
	"encoding/binary"
	"unicode/utf8"
)

// leaf checks the term at b[i:], which is no container, and returns its length. The length may pass the end of b where
// nothing but the length had to be looked at; the caller compares.
func leaf(b []byte, i int) (n int, err error) {
	tag, left := b[i], len(b)-i
	switch tag {
	case tagNil:
		return 1, nil
	case tagSmallInteger:
		return 2, nil
	case tagInteger:
		return 5, nil
	case tagSmallAtomUTF8, tagAtomUTF8, tagSmallAtom, tagAtom:
		return atomLeaf(b, i)
	case tagNewFloat, tagFloat:
		return floatLeaf(b, i)
	case tagBinary, tagBitBinary, tagSmallBig, tagLargeBig, tagString:
		return sizedLeaf(b, i)
	case tagNewPid, tagPid, tagV4Port, tagNewPort, tagPort, tagNewerReference, tagNewReference, tagReference:
		return identifierLeaf(b, i)
	case tagExport:
		return exportLeaf(b, i)
	case tagAtomCacheRef, tagOldFun, tagLocal, tagCompressed, Version:
		return 0, syntaxError(i, "%s (tag %d) cannot stand here: %s", termName(tag), tag, refusals[tag])
	}
	return 0, syntaxError(i, "tag %d is unknown, expected a term (%d bytes left)", tag, left)
}

// refusals says why tags that exist are refused.
var refusals = map[byte]string{
	tagAtomCacheRef: "its atom is known only to a distribution connection",
	tagOldFun:       "OTP 23 and later do not read it",
	tagLocal:        "only the node that wrote it can read it",
	tagCompressed:   "a compressed term follows the version byte or nothing",
	Version:         "the version byte stands once, before the whole term",
}

func atomLeaf(b []byte, i int) (int, error) {
	text, latin1, n, ok := splitAtom(b[i:])
	if !ok {
		return 0, truncatedAtom(b, i)
	}
	if latin1 {
		if len(text) > MaxAtomChars {
			return 0, longAtom(i, len(text))
		}
		return n, nil
	}
	if !utf8.Valid(text) {
		return 0, badUTF8(i, text)
	}
	if len(text) > MaxAtomChars {
		if chars := runeCount(text); chars > MaxAtomChars {
			return 0, longAtom(i, chars)
		}
	}
	return n, nil
}

// runeCount counts the characters of valid UTF-8. It is utf8.RuneCount without that one's copy.
func runeCount(text []byte) int {
	n := 0
	for _, c := range text {
		if utf8.RuneStart(c) {
			n++
		}
	}
	return n
}

func truncatedAtom(b []byte, i int) error {
	if tag := b[i]; tag != tagSmallAtomUTF8 && tag != tagAtomUTF8 && tag != tagSmallAtom && tag != tagAtom {
		return syntaxError(i, "%s, expected an atom", termName(tag))
	}
	return syntaxError(i, "an atom is cut short, only %d bytes are left", len(b)-i)
}

func longAtom(offset, chars int) error {
	return syntaxError(offset, "an atom has %d characters, expected at most %d", chars, MaxAtomChars)
}

func floatLeaf(b []byte, i int) (int, error) {
	n := 9
	if b[i] == tagFloat {
		n = 1 + floatText
	}
	if len(b)-i < n {
		return 0, truncated(i, "a float", n, len(b)-i)
	}
	if b[i] == tagFloat {
		if _, ok := parseFloatText(b[i+1 : i+n]); !ok {
			return 0, syntaxError(i, "a float has the text %q, expected a finite decimal like 1.5e+00", b[i+1:i+n])
		}
		return n, nil
	}
	if bits := binary.BigEndian.Uint64(b[i+1:]); bits>>52&0x7ff == 0x7ff {
		return 0, syntaxError(i, "a float is NaN or infinite, expected a finite number")
	}
	return n, nil
}

// maxBigBytes is the largest magnitude OTP reads. Leading zeros count.
const maxBigBytes = (1<<19 - 1) * 8

// sizedLeaf checks the terms that are a size and as many bytes.
func sizedLeaf(b []byte, i int) (int, error) {
	tag, left := b[i], len(b)-i
	header := 6
	switch tag {
	case tagString, tagSmallBig:
		header = 3
	case tagBinary:
		header = 5
	}
	if left < header {
		return 0, truncated(i, termName(tag), header, left)
	}
	var size uint64
	switch tag {
	case tagSmallBig:
		size = uint64(b[i+1])
	case tagString:
		size = uint64(binary.BigEndian.Uint16(b[i+1:]))
	default:
		size = uint64(binary.BigEndian.Uint32(b[i+1:]))
	}
	if tag == tagLargeBig && size > maxBigBytes {
		return 0, syntaxError(i, "an integer has %d bytes, expected at most %d", size, maxBigBytes)
	}
	if size > uint64(left-header) {
		return 0, syntaxError(i, "%s claims %d bytes, only %d are left", termName(tag), size, left-header)
	}
	if used := b[i+header-1]; tag == tagBitBinary && (used > 8 || (used == 0) != (size == 0)) {
		return 0, syntaxError(i, "a bit string uses %d bits of the last of its %d bytes, expected 1 to 8", used, size)
	}
	return header + int(size), nil
}

// exportLeaf checks a fun like fun lists:map/2. OTP takes any small integer that is not negative for the arity.
func exportLeaf(b []byte, i int) (int, error) {
	at := i + 1
	for range 2 {
		n, err := nameAt(b, at)
		if err != nil {
			return 0, err
		}
		at += n
	}
	arity, n, err := smallAt(b, at)
	if err == nil && arity < 0 {
		err = syntaxError(at, "the arity of a fun is %d, expected 0 or more", arity)
	}
	return at + n - i, err
}

// nameAt checks an atom inside an identifier or a fun.
func nameAt(b []byte, at int) (int, error) {
	if at >= len(b) {
		return 0, syntaxError(at, "an atom is missing")
	}
	return atomLeaf(b, at)
}

// smallAt reads an integer inside a fun: one that OTP keeps in a word, of 60 bits.
func smallAt(b []byte, at int) (v int64, n int, err error) {
	skipped := emptyLists(b[min(at, len(b)):])
	at += skipped
	if at >= len(b) {
		return 0, 0, syntaxError(at, "an integer is missing")
	}
	if b[at] == tagSmallBig || b[at] == tagLargeBig {
		if _, err := sizedLeaf(b, at); err != nil {
			return 0, 0, err
		}
	}
	v, n, ok := ReadInt(b[at:])
	if !ok || v < -1<<59 || v >= 1<<59 {
		return 0, 0, syntaxError(at, "%s, expected an integer of at most 60 bits", termName(b[at]))
	}
	return v, skipped + n, nil
}

// emptyLists is the length of the list headers without elements at the start of b: such a list is its tail.
func emptyLists(b []byte) int {
	n := 0
	for len(b)-n >= 5 && b[n] == tagList && binary.BigEndian.Uint32(b[n+1:]) == 0 {
		n += 5
	}
	return n
}

// termName names the kind of term that a tag begins, for messages.
func termName(tag byte) string {
	switch tag {
	case tagSmallInteger, tagInteger, tagSmallBig, tagLargeBig:
		return "an integer"
	case tagNewFloat, tagFloat:
		return "a float"
	case tagSmallAtomUTF8, tagAtomUTF8, tagSmallAtom, tagAtom:
		return "an atom"
	case tagBinary:
		return "a binary"
	case tagBitBinary:
		return "a bit string"
	case tagNil, tagList, tagString:
		return "a list"
	case tagSmallTuple, tagLargeTuple:
		return "a tuple"
	case tagMap:
		return "a map"
	case tagNewPid, tagPid:
		return "a pid"
	case tagV4Port, tagNewPort, tagPort:
		return "a port"
	case tagNewerReference, tagNewReference, tagReference:
		return "a reference"
	case tagNewFun, tagExport:
		return "a fun"
	case tagAtomCacheRef:
		return "ATOM_CACHE_REF"
	case tagOldFun:
		return "FUN_EXT"
	case tagLocal:
		return "LOCAL_EXT"
	case tagCompressed:
		return "a compressed term"
	case Version:
		return "the version byte"
	}
	return "an unknown tag"
}
