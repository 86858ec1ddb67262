// Package streaming has what long results and conversations are made of: a handler's ends of a stream and of a channel,
// [Sender] and [Channel]; lazy streams with their adapters; and the few things for passing values between goroutines
// that Go and its libraries lack, [Oneshot], [Broadcast] and [Queue]. docs/streaming-toolkit.md says which to use for
// what.
//
// # Streams
//
// A [Stream] is an iter.Seq2[T, error], so that any generator is one and a range loop consumes one:
//
//	for v, err := range streaming.Map(streaming.FromSlice(paths), filepath.Base) {
//
// Nothing runs until a stream is ranged over, and each range over it is a run of its own, from the start; [Fuse] and
// what reads a channel are the exceptions. A run asks its source for an element only when its consumer wants one,
// holds one at a time, keeps the order and runs in the consumer's goroutine. What reads ahead, holds more or starts
// goroutines says so.
//
// # Errors
//
// An error is the last element: a pair with an error ends the stream, and its value is the zero value. An adapter
// passes the first error on and stops, even where a hand-written source would go on, and elements that came before an
// error are delivered before it. A consumer returns the first error with what it had by then. Functions given to an
// adapter cannot fail, but for those of Buffered, BufferUnordered and whatever begins with Try: their error becomes the
// stream's.
//
// # Stopping
//
// A consumer that breaks out of its loop stops the stream: the source is told to stop and has done so when the loop is
// left. Where an adapter waits, it takes a context. When that ends, so does the stream, with [context.Cause] as its
// error, never as if it were complete. A context that has ended comes before an element or value that is ready; that
// holds for the primitives too.
//
// [Merge], [Debounce], [TimeoutEach], [Buffered] and [BufferUnordered] run their source in a goroutine. They take it as
// a [Source], a function that makes the stream with a context of theirs, for only so can they end a wait inside the
// source: no goroutine outlives the run that started it, since it is cancelled and waited for before the run returns. A
// source, or a function given to Buffered, that ignores its context delays that return.
//
// # Panics
//
// A panic in a function given to an adapter reaches the consumer as a panic of its own goroutine, wherever the function
// ran: after the other goroutines have ended, it is raised again as a [*PanicError] with the first stack. Likewise
// [runtime.Goexit] in a goroutine of a run ends the consumer's.
//
// # Concurrency
//
// A stream can be ranged over by several goroutines at once if its source and functions can be called so. [Oneshot],
// [Broadcast], [Subscription] and [Queue] are safe for concurrent use; a [Peekable] is not.
package streaming
