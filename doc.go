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
// Every call runs in a goroutine of its own, with a context that is cancelled
// when the caller dies, cancels, or runs out of time, and when the port closes;
// [context.Cause] says which. What a handler returns becomes the call's one result:
// its value, its error, or its panic.
//
// Arguments and results are converted by package etf. Everything a handler
// prints goes to standard error: standard output belongs to the wire.
package portworker
