package protocol

import (
	"bytes"
	"slices"

	"portworker/etf"
)

// Options that a client has given a number need not be brought again: a call names them by it.

// maxKept is how many options are kept at most. A client has some for each of its processes that call again and again.
const maxKept = 1_000_000

// keptOptions are options by number, and the numbers of each owner's.
type keptOptions struct {
	byNumber map[int64]*CallOptions
	byOwner  map[string][]int64
}

// keep remembers a call's options under the number they ask for, in the place of those before.
func (k *keptOptions) keep(o CallOptions) *Error {
	n := o.number
	if _, replaced := k.byNumber[n]; !replaced && len(k.byNumber) >= maxKept {
		return &Error{Reason: Overloaded, Message: "option keep: more options than are kept at once"}
	}
	k.drop(n)
	if k.byNumber == nil {
		k.byNumber, k.byOwner = map[int64]*CallOptions{}, map[string][]int64{}
	}
	// The packet goes.
	o.Owner, o.Retry, o.Meta = bytes.Clone(o.Owner), bytes.Clone(o.Retry), bytes.Clone(o.Meta)
	o.number, o.numbered = 0, false
	k.byNumber[n] = &o
	if o.Owner != nil {
		k.byOwner[string(o.Owner)] = append(k.byOwner[string(o.Owner)], n)
	}
	return nil
}

func (k *keptOptions) drop(n int64) {
	o := k.byNumber[n]
	if o == nil {
		return
	}
	delete(k.byNumber, n)
	if o.Owner == nil {
		return
	}
	owner := string(o.Owner)
	numbers := slices.DeleteFunc(k.byOwner[owner], func(other int64) bool { return other == n })
	if k.byOwner[owner] = numbers; len(numbers) == 0 {
		delete(k.byOwner, owner)
	}
}

// forget drops the options of an owner, who will make no more calls.
func (k *keptOptions) forget(owner etf.Raw) {
	for _, n := range k.byOwner[string(owner)] {
		delete(k.byNumber, n)
	}
	delete(k.byOwner, string(owner))
}

// read returns the options that a number in the place of options stands for.
func (k *keptOptions) read(number etf.Raw) (*CallOptions, *Error) {
	n, _, ok := etf.ReadInt(number)
	if !ok {
		return nil, messageError("options %s: expected a map, or the number of options that were kept", number)
	}
	o := k.byNumber[n]
	if o == nil {
		return nil, messageError("options %d: expected the number of options that were kept", n)
	}
	return o, nil
}
