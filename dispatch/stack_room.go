package dispatch

// stackRoom is what it takes of a goroutine's stack to end a task, down to the write, beyond what the
// goroutine begins with.
const stackRoom = 2 << 10

// growStack lets the stack of this goroutine grow to hold so much more. In nearly every task it would grow
// later, with more calls on it to be adjusted, which took a quarter of the time. It is not done at the task's
// beginning, because the stacks of those that wait are not to be larger than they need.
//
//go:noinline
func growStack(at int) byte {
	var room [stackRoom]byte
	return room[at%stackRoom]
}
