package protocol

import "portworker/etf"

// names keeps the names of functions that have been called, so that a call costs no
// string for its own.
type names map[string]string

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
	if name, known := (*n)[string(data)]; known {
		return name, true
	}
	name := string(data)
	if len(name) <= maxName && len(*n) < maxNames {
		if *n == nil {
			*n = make(names)
		}
		(*n)[name] = name
	}
	return name, true
}
