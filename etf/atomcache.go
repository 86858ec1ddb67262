package etf

import (
	"hash/maphash"
	"sync/atomic"
)

// An atomCache keeps the names of atoms seen lately, so that reading one again allocates nothing. It is bounded: a name
// that hashes to a taken slot takes that over.
type atomCache struct {
	seed  maphash.Seed
	slots [1024]atomic.Pointer[string]
}

// maxCachedName bounds the cache to 64 KiB of names.
const maxCachedName = 64

var atoms = atomCache{seed: maphash.MakeSeed()}

func (c *atomCache) intern(name []byte) string {
	if len(name) > maxCachedName {
		return string(name)
	}
	slot := &c.slots[maphash.Bytes(c.seed, name)%uint64(len(c.slots))]
	if cached := slot.Load(); cached != nil && *cached == string(name) {
		return *cached
	}
	fresh := string(name)
	slot.Store(&fresh)
	return fresh
}
