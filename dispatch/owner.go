package dispatch

import (
	"unsafe"

	"portworker/etf"
)

// key makes a map's key of a term without a copy. The term belongs to a packet,
// which nobody writes to.
func key(term etf.Raw) string { return unsafe.String(unsafe.SliceData(term), len(term)) }

// own links t with the other tasks of its owner, so that the owner's death finds
// them.
func (s *inflight) own(t *Task) {
	if t.call.Owner == nil {
		return
	}
	owner := key(t.call.Owner)
	first := s.owners[owner]
	if t.sibling.next = first; first != nil {
		first.sibling.prev = t
	}
	s.owners[owner] = t
}

func (s *inflight) disown(t *Task) {
	if t.call.Owner == nil {
		return
	}
	prev, next := t.sibling.prev, t.sibling.next
	if next != nil {
		next.sibling.prev = prev
	}
	switch {
	case prev != nil:
		prev.sibling.next = next
	case next != nil:
		s.owners[key(t.call.Owner)] = next
	default:
		delete(s.owners, key(t.call.Owner))
	}
	t.sibling = links{}
}

// ownedBy returns the tasks of an owner that have not ended.
func (s *inflight) ownedBy(owner etf.Raw) (tasks []*Task) {
	for t := s.owners[key(owner)]; t != nil; t = t.sibling.next {
		tasks = append(tasks, t)
	}
	return tasks
}
