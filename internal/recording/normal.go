package recording

import (
	"slices"

	"portworker/etf"
)

// stopped are the reasons of tasks that were ended from outside: how far they had come depends on the moment.
var stopped = []string{"cancelled", "timeout", "draining"}

// outcome is what of a result is compared: the value, or the error without what differs from time to
// time.
func outcome(term etf.Raw) etf.Raw {
	if word, value, ok := pair(term); ok && word == "error" {
		t, _ := etf.Append(nil, etf.Tuple{etf.Atom("error"), failure(value)})
		return t
	}
	return term
}

// reasonOf returns the reason of a result, and "" for a value.
func reasonOf(term etf.Raw) string {
	word, value, ok := pair(term)
	if !ok || word != "error" {
		return ""
	}
	return field(value, "reason")
}

// pair takes {word, Term} apart, or [word, Term] as MessagePack has it.
func pair(term etf.Raw) (word string, value etf.Raw, ok bool) {
	var elements []etf.Raw
	if arity, at, isTuple := etf.ReadTuple(term); isTuple && arity == 2 {
		n := etf.Size(term[at:])
		elements = []etf.Raw{term[at : at+n], term[at+n:]}
	} else if elements, _ = etf.SplitList(term, nil); len(elements) != 2 {
		return "", nil, false
	}
	word, ok = text(elements[0])
	return word, elements[1], ok
}

// text reads an atom or a binary.
func text(term etf.Raw) (string, bool) {
	if name, _, ok := etf.ReadAtom(term); ok {
		return name, true
	}
	b, _, ok := etf.ReadBinary(term)
	return string(b), ok
}

// failure is an error without stack and retry_after; of a task that was stopped, the reason alone.
func failure(term etf.Raw) etf.Raw {
	if slices.Contains(stopped, field(term, "reason")) {
		return keep(term, func(key string) bool { return key == "reason" })
	}
	return without(term, "stack", "retry_after")
}

// introduction is a hello without what belongs to the process, the machine and the build.
func introduction(term etf.Raw) etf.Raw { return without(term, "os_pid", "version", "limits") }

// without returns a map without some of its keys, and any other term as it is.
func without(term etf.Raw, keys ...string) etf.Raw {
	return keep(term, func(key string) bool { return !slices.Contains(keys, key) })
}

// keep returns a map with the keys that are wanted, in an order that does not depend on where they stood.
func keep(term etf.Raw, wanted func(key string) bool) etf.Raw {
	pairs, at, ok := etf.ReadMap(term)
	if !ok {
		return term
	}
	var kept []string
	for range pairs {
		n := etf.Size(term[at:])
		key := term[at : at+n]
		size := n + etf.Size(term[at+n:])
		if name, isText := text(key); !isText || wanted(name) {
			kept = append(kept, string(term[at:at+size]))
		}
		at += size
	}
	slices.Sort(kept)
	out := etf.AppendMap(nil, len(kept))
	for _, pair := range kept {
		out = append(out, pair...)
	}
	return out
}

// field returns the text under a key of a map, or "".
func field(term etf.Raw, name string) string {
	var fields etf.Map
	if etf.Decode(term, &fields) != nil {
		return ""
	}
	for _, pair := range fields {
		if pair.Key == etf.Atom(name) || pair.Key == name {
			switch v := pair.Value.(type) {
			case etf.Atom:
				return string(v)
			case string:
				return v
			}
		}
	}
	return ""
}

// canonical appends a term with the keys of all maps in one order, and nothing else changed.
func canonical(dst []byte, term etf.Raw) []byte {
	if pairs, at, ok := etf.ReadMap(term); ok {
		all := make([]string, pairs)
		for i := range all {
			n := etf.Size(term[at:])
			size := n + etf.Size(term[at+n:])
			pair := canonical(nil, term[at:at+n])
			all[i] = string(canonical(pair, term[at+n:at+size]))
			at += size
		}
		slices.Sort(all)
		dst = etf.AppendMap(dst, pairs)
		for _, pair := range all {
			dst = append(dst, pair...)
		}
		return dst
	}
	elements, at, isTuple := etf.ReadTuple(term)
	if !isTuple {
		var isList bool
		if elements, at, isList = etf.ReadList(term); !isList || elements == 0 {
			return append(dst, term...)
		}
		elements++ // the tail
	}
	dst = append(dst, term[:at]...)
	for range elements {
		n := etf.Size(term[at:])
		dst = canonical(dst, term[at:at+n])
		at += n
	}
	return dst
}
