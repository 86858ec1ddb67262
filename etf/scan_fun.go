package etf

import "encoding/binary"

// The header of NEW_FUN_EXT: tag 1, size 4, arity 1, uniq 16, index 4, number of free variables 4. Then come the module,
// two integers, the pid that made the fun, and the free variables.
const (
	funArity   = 5
	funIndex   = 22
	funFree    = 26
	funModule  = 30
	maxFunFree = 255
)

// funHeader checks a NEW_FUN_EXT up to its free variables. Like OTP it does not look at the size field, which some
// releases write wrong.
func funHeader(b []byte, i int) (n, free int, err error) {
	if left := len(b) - i; left < funModule {
		return 0, 0, truncated(i, "a fun", funModule, left)
	}
	claimed := binary.BigEndian.Uint32(b[i+funFree:])
	if claimed > maxFunFree {
		return 0, 0, syntaxError(i, "a fun has %d free variables, expected at most %d", claimed, maxFunFree)
	}
	at := i + funModule
	if n, err = nameAt(b, at); err != nil {
		return 0, 0, err
	}
	at += n
	for range 2 { // the old index and the old uniq
		if _, n, err = smallAt(b, at); err != nil {
			return 0, 0, err
		}
		at += n
	}
	at += emptyLists(b[at:])
	if at >= len(b) || b[at] != tagNewPid && b[at] != tagPid {
		return 0, 0, syntaxError(at, "the pid that made a fun is missing")
	}
	if n, err = identifierLeaf(b, at); err != nil {
		return 0, 0, err
	}
	return at + n - i, int(claimed), nil
}
