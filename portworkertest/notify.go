package portworkertest

import (
	"bytes"
	"fmt"

	"portworker/etf"
)

// notice is a message to a process.
type notice struct{ to, value etf.Raw }

// Receive waits for the next message that a handler sends to a process with portworker.Notify, and
// returns it: to is its pid (see [Pid]), an alias, or a registered name as an etf.Atom. Those to other processes
// are kept for their own Receive.
func Receive[T any](c *Client, to any) T {
	s := c.session
	s.t.Helper()
	key, err := etf.Append(nil, to)
	if err != nil {
		s.t.Fatalf("portworkertest: Receive: %v", err)
	}
	var value etf.Raw
	s.await(fmt.Sprintf("a message to %v", to), patience(), func() bool {
		for i, n := range s.notices {
			if bytes.Equal(n.to, key) {
				value, s.notices = n.value, append(s.notices[:i:i], s.notices[i+1:]...)
				return true
			}
		}
		return false
	})
	return decode[T](s, value, fmt.Sprintf("a message to %v", to))
}

// Pid returns the identifier of a process that exists in no BEAM, to be an argument. Different n
// are different processes.
func Pid(n uint32) etf.Pid {
	const newPid, smallAtom = 88, 119
	node := "portworkertest@localhost"
	term := append([]byte{etf.Version, newPid, smallAtom, byte(len(node))}, node...)
	term = append(term, byte(n>>24), byte(n>>16), byte(n>>8), byte(n), 0, 0, 0, 0, 0, 0, 0, 1)
	var pid etf.Pid
	if err := etf.Unmarshal(term, &pid); err != nil {
		panic(err) // the bytes are ours
	}
	return pid
}
