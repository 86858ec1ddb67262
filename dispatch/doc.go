// Package dispatch runs what a connection asks for: it finds the function of a
// call, gives it a place in a lane, a goroutine, a context and a deadline, and sees to
// it that every accepted call ends in exactly one result.
//
// A [Conn] is one conversation. Its reading goroutine parses packets and never
// waits: not for a handler, and not for the client to read. Everything in flight is
// one struct behind one lock, changed by one function ([Conn.update]), which is
// also where it is noticed that nothing is left to do.
//
// A [Task] is one call on its way: waiting in a lane, then running, then
// ended. It ends when its handler returns, when its deadline passes, when it is
// cancelled and its handler returns or outlives the grace, or when the worker
// stops; whichever comes first sends the result, and nothing with the task's ref
// is sent after it. A handler that is still running when its task has ended is
// abandoned: it keeps its place in the lane and is counted until it returns.
//
// A handler runs once, or as the [Policies] of its function and the retry option of its
// call say; all its attempts are inside the one task. Waits in between take no place in
// the lane.
//
// Shutting down happens in this order: no new work is accepted; running tasks
// are cancelled (end of input) or left to finish (drain); their last words are
// queued; the output is flushed; Serve returns. All of it happens within
// [Config].DrainTimeout, of which the last tenth is kept for flushing.
package dispatch
