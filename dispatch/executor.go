package dispatch

import "runtime"

// Executor runs a lane's tasks in goroutines of the program's own: it is to have one call
// run soon, and must not wait for that itself. It is called by the goroutine that reads, among
// others. A handler that calls runtime.Goexit ends the goroutine it is given.
type Executor func(run func())

// spawn runs something in a goroutine of the lane's.
func (l *lane) spawn(run func()) {
	if l.executor != nil {
		l.executor(run)
		return
	}
	go run()
}

// claimThread keeps this goroutine on a thread of its own, in the lane that is
// for that. The thread is never unlocked: it ends with the goroutine, whatever a C library or
// a namespace change has done to it. Goroutines of an executor are its own matter.
func (l *lane) claimThread() {
	if l.name == LaneDedicated && l.executor == nil {
		runtime.LockOSThread()
	}
}
