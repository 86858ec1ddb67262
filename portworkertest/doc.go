// Package portworkertest runs a worker inside a Go test, without a BEAM: a [Client] is at the other end of its
// wire, in the same process.
//
//	func TestUpcase(t *testing.T) {
//		w := portworker.New(portworker.Config{})
//		portworker.Handle(w, "upcase", upcase)
//		c := portworkertest.Connect(t, w)
//
//		got, err := portworkertest.Call[string](c, "upcase", "hello")
//		// got == "HELLO", err == nil
//	}
//
// Arguments and results pass through the same codec as on a real wire, so that
// a type that does not convert is found here. Tasks ([Async]), [Progress], streams ([OpenStream]), channels
// ([OpenChannel]), functions of the client's ([Client.Callback]) and messages to processes ([Receive]) are there as the Elixir client
// has them.
//
// # Time
//
// A worker can be in a bubble of testing/synctest, with its client: nothing waits for anything outside. Sleeps,
// deadlines, retries and timeouts then take no time, and are exact:
//
//	synctest.Test(t, func(t *testing.T) {
//		c := portworkertest.Connect(t, w)
//		...
//	})
//
// # The wire
//
// A [Peer] is the same a level below: it sends and receives messages as docs/protocol.md has them, and reads only
// when it is asked to.
//
//	peer := portworkertest.Start(t, w)
//	ref := peer.Start("fibonacci", nil)
//	peer.Grant(ref, 3)
//	peer.Elements(ref, 3) // 0, 1, 1, and no more until the next Grant
package portworkertest
