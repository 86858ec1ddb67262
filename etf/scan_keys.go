package etf

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
)

// A map whose keys repeat spoils everything it is sent with, so the scan looks for that. It notes where keys begin,
// and compares them when the map ends: keys of one kind in ascending order, which is how OTP writes small maps, differ
// at a glance; the rest is compared by hash. Keys are equal as by =:= of OTP 25: whatever their encodings, and with
// -0.0 equal to 0.0. Hashes are of a canonical form and seeded by this process. Two keys that share a 64-bit hash are
// compared by a second one with a seed of its own, so that a false alarm takes an accident of 128 bits.

// A key is a key of a map that is still open.
type key struct {
	at     int
	hash   uint64
	hashed bool
}

// seeds make a hash function.
type seeds struct {
	leaf      maphash.Seed
	a, b      uint64
	verifying bool // hashing one term that has been scanned, whose maps need no second search
}

func newSeeds(verifying bool) seeds {
	s := seeds{leaf: maphash.MakeSeed(), verifying: verifying}
	s.a = maphash.String(s.leaf, "a") | 1
	s.b = maphash.String(s.leaf, "b") | 1
	return s
}

var (
	scanSeed   = newSeeds(false)
	verifySeed = newSeeds(true)
)

// mix is the multiply-and-fold step of wyhash; the order of what is mixed in matters.
func (s *seeds) mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^s.a, v^s.b)
	return hi ^ lo
}

// scratch is what a scan borrows beyond its own few frames and keys.
type scratch struct {
	frames []frame
	keys   []key
	table  []uint32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// maxKept bounds what the pool keeps of one enormous term, in elements.
const maxKept = 1 << 14

func (s *scanner) scratch() *scratch {
	if s.more == nil {
		s.more = scratches.Get().(*scratch)
	}
	return s.more
}

func (m *scratch) push(f frame) { m.frames = append(m.frames, f) }

func (m *scratch) pop() frame {
	last := len(m.frames) - 1
	f := m.frames[last]
	m.frames = m.frames[:last]
	return f
}

func (m *scratch) release() {
	if cap(m.frames) > maxKept || cap(m.keys) > maxKept || cap(m.table) > maxKept {
		return
	}
	m.frames, m.keys = m.frames[:0], m.keys[:0]
	scratches.Put(m)
}

// pushKey notes a key. The first few stay on the scanner; once there are more, all of them move to the scratch.
func (s *scanner) pushKey(k key) {
	if s.keys < len(s.lowKeys) && (s.more == nil || len(s.more.keys) == 0) {
		s.lowKeys[s.keys] = k
	} else {
		m := s.scratch()
		if len(m.keys) == 0 {
			m.keys = append(m.keys, s.lowKeys[:s.keys]...)
		}
		m.keys = append(m.keys[:s.keys], k)
	}
	s.keys++
}

// keysFrom returns the keys of the innermost map.
func (s *scanner) keysFrom(first int) []key {
	if s.more != nil && len(s.more.keys) > 0 {
		return s.more.keys[first:s.keys]
	}
	return s.lowKeys[first:s.keys]
}

// lastKey is the key that was pushed last.
func (s *scanner) lastKey() *key {
	if s.more != nil && len(s.more.keys) > 0 {
		return &s.more.keys[s.keys-1]
	}
	return &s.lowKeys[s.keys-1]
}

// distinct checks that no two keys are equal.
func (s *scanner) distinct(b []byte, keys []key) error {
	if ascending(b, keys) {
		return nil
	}
	for i := range keys {
		if !keys[i].hashed {
			keys[i].hash = s.seed.hashLeaf(b[keys[i].at:])
		}
	}
	if len(keys) > len(s.lowKeys) {
		return s.distinctByTable(b, keys)
	}
	for i := range keys {
		for j := range i {
			if keys[i].hash == keys[j].hash && sameTerm(b[keys[i].at:], b[keys[j].at:]) {
				return duplicateKey(keys[j].at, keys[i].at)
			}
		}
	}
	return nil
}

// distinctByTable is distinct for many keys: a hash table at most half full, probed linearly.
func (s *scanner) distinctByTable(b []byte, keys []key) error {
	size := 1 << bits.Len(uint(2*len(keys)-1))
	m := s.scratch()
	if cap(m.table) < size {
		m.table = make([]uint32, size)
	}
	table := m.table[:size]
	clear(table)
	mask := uint64(size - 1)
	for i := range keys {
		slot := keys[i].hash & mask
		for ; table[slot] != 0; slot = (slot + 1) & mask {
			other := &keys[table[slot]-1]
			if other.hash == keys[i].hash && sameTerm(b[other.at:], b[keys[i].at:]) {
				return duplicateKey(other.at, keys[i].at)
			}
		}
		table[slot] = uint32(i + 1)
	}
	return nil
}

func duplicateKey(first, second int) error {
	return syntaxError(second, "a map repeats the key at byte %d", first)
}

// ascending reports whether the keys are all atoms or all binaries of at most 8 bytes before they differ, each
// greater than the one before.
func ascending(b []byte, keys []key) bool {
	header, tag := 2, b[keys[0].at]
	switch tag {
	case tagSmallAtomUTF8:
	case tagBinary:
		header = 5
	default:
		return false
	}
	last := keyPrefix(b, keys[0].at, header)
	for _, k := range keys[1:] {
		if b[k.at] != tag {
			return false
		}
		next := keyPrefix(b, k.at, header)
		if next <= last {
			return false
		}
		last = next
	}
	return true
}

// keyPrefix returns the first 8 bytes of a key, zeros where it is shorter: what is greater by this is another key.
func keyPrefix(b []byte, at, header int) uint64 {
	n := uint(b[at+header-1])
	if header == 5 {
		n = uint(binary.BigEndian.Uint32(b[at+1:]))
	}
	at += header
	if n > 8 {
		n = 8
	}
	if len(b)-at >= 8 {
		return binary.BigEndian.Uint64(b[at:]) >> (64 - 8*n) << (64 - 8*n)
	}
	var prefix [8]byte
	copy(prefix[:], b[at:at+int(n)])
	return binary.BigEndian.Uint64(prefix[:])
}
