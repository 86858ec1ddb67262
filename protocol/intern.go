package protocol

import "portworker/etf"

// names keeps the names of functions that have been called, so that a call costs no
// string for its own. The last one is mostly the next.
type names struct {
	last  string
	known map[string]string
}

// maxNames and maxName bound what is kept: a client may name what does not exist.
const (
	maxNames = 1024
	maxName  = 255 // bytes
)

// read reads a name, like readName.
func (n *names) read(term etf.Raw) (string, bool) {
	data, _, ok := etf.ReadBinary(term)
	if !ok {
		return readName(term)
	}
	if string(data) == n.last {
		return n.last, true
	}
	name, known := n.known[string(data)]
	if !known {
		name = string(data)
		if len(name) > maxName || len(n.known) >= maxNames {
			return name, true
		}
		if n.known == nil {
			n.known = make(map[string]string)
		}
		n.known[name] = name
	}
	n.last = name
	return name, true
}
