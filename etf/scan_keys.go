package etf

import (
	"hash/maphash"
	"math/bits"
	"sync"
)

// A map whose keys repeat spoils everything it is sent with, so the scan looks for that. It notes where keys begin, and
// compares their hashes when the map ends. Keys are equal as by =:= of OTP 25: whatever their encodings, and with -0.0
// equal to 0.0. Hashes are of a canonical form and seeded by this process. Two keys that share a 64-bit hash are
// compared by a second one with a seed of its own, so that a false alarm takes an accident of 128 bits.

// A key is a key of a map that is still open.
type key struct {
	at int
	// hash is 0 until it is known, and odd from then on.
	hash uint64
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
	sums   []partialHash
	keys   []key
	table  []uint32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// Of one enormous term the pool keeps nothing: these bound it to about 1 MiB for each slice.
const (
	maxKeptFrames = 1 << 16 // and sums, and keys
	maxKeptTable  = 1 << 18
)

func (s *scanner) scratch() *scratch {
	if s.more == nil {
		s.more = scratches.Get().(*scratch)
	}
	return s.more
}

func (m *scratch) pushFrame(f frame) { m.frames = append(m.frames, f) }

func (m *scratch) popFrame() frame {
	last := len(m.frames) - 1
	f := m.frames[last]
	m.frames = m.frames[:last]
	return f
}

func (m *scratch) pushSum(sum partialHash) { m.sums = append(m.sums, sum) }

func (m *scratch) popSum() partialHash {
	last := len(m.sums) - 1
	sum := m.sums[last]
	m.sums = m.sums[:last]
	return sum
}

func (m *scratch) release() {
	if max(cap(m.frames), cap(m.sums), cap(m.keys)) > maxKeptFrames || cap(m.table) > maxKeptTable {
		return
	}
	m.frames, m.sums, m.keys = m.frames[:0], m.sums[:0], m.keys[:0]
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
	if len(keys) > len(s.lowKeys) {
		return s.distinctByTable(b, keys)
	}
	var seen uint64 // a bit for each hash so far, which is seldom taken by two
	for i := range keys {
		bit := uint64(1) << (keys[i].ready(s.seed, b) >> 58)
		if seen&bit != 0 {
			if err := repeats(b, keys[:i], &keys[i]); err != nil {
				return err
			}
		}
		seen |= bit
	}
	return nil
}

// ready returns the hash of a key, which was not wanted before when the key is no container.
func (k *key) ready(seed *seeds, b []byte) uint64 {
	if k.hash == 0 {
		k.hash = seed.hashLeaf(b[k.at:]) | 1
	}
	return k.hash
}

// repeats compares a key with those before it.
func repeats(b []byte, before []key, k *key) error {
	for i := range before {
		if before[i].hash == k.hash && sameTerm(b[before[i].at:], b[k.at:]) {
			return duplicateKey(before[i].at, k.at)
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
		slot := keys[i].ready(s.seed, b) >> 1 & mask // the lowest bit is always set
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
