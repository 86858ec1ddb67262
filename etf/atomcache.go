package etf

import "sync/atomic"

// An atomCache keeps the names of atoms seen lately, so that reading one again allocates nothing. It is bounded: a name
// that hashes to a taken slot takes that over.
type atomCache struct {
	slots [1024]atomic.Pointer[cachedAtom]
}

// A cachedAtom is a name, and the value it has in an any.
type cachedAtom struct {
	name  string
	value any
}

// maxCachedName bounds the cache to 64 KiB of names.
const maxCachedName = 64

var atoms atomCache

// intern returns the atom with a name in UTF-8. It shares no memory with name.
func (c *atomCache) intern(name []byte) cachedAtom {
	if len(name) > maxCachedName {
		return newCachedAtom(string(name))
	}
	slot := &c.slots[scanSeed.hashBytes(hashAtom, name)%uint64(len(c.slots))]
	if cached := slot.Load(); cached != nil && cached.name == string(name) {
		return *cached
	}
	fresh := newCachedAtom(string(name))
	slot.Store(&fresh)
	return fresh
}

func newCachedAtom(name string) cachedAtom { return cachedAtom{name, atomValue(name)} }
