// Package portworker runs Go functions for the BEAM.
//
// A program registers functions and hands over to [Main]:
//
//	func main() {
//		w := portworker.New(portworker.Config{Name: "my_worker"})
//		portworker.Handle(w, "upcase", func(ctx context.Context, s string) (string, error) {
//			return strings.ToUpper(s), nil
//		})
//		portworker.Main(w)
//	}
//
// An Erlang or Elixir program opens it as a port and calls the function by name:
//
//	{:ok, "HELLO"} = PortWorker.run(MyApp.Worker, "upcase", ["hello"])
//
// Calls run beside each other, each with a context that is cancelled
// when the caller dies, cancels, or runs out of time, and when the port closes;
// [context.Cause] says which. What a handler returns becomes the call's one result:
// its value, its error, or its panic.
//
// A handler that has been quick so far may run in the goroutine that reads the wire, which
// another takes over when it turns out to be slow. So a handler that calls [runtime.LockOSThread],
// or changes its thread in other ways, belongs on [LaneDedicated].
//
// A returned [etf.Raw] of 64 KiB or more is not copied but written from where it is, after the
// handler has returned: its bytes must not be changed from then on. Any other value, a []byte
// included, has been copied by the time its result is queued, and must not be changed until then by
// other goroutines.
//
// Arguments and results are converted by package etf. Everything a handler
// prints goes to standard error: standard output belongs to the wire.
package portworker
