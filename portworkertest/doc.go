// Package portworkertest runs a worker inside a Go test, without a BEAM: a
// [Peer] is the client at the other end of its wire, in the same process.
//
//	func TestUpcase(t *testing.T) {
//		w := portworker.New(portworker.Config{})
//		portworker.Handle(w, "upcase", upcase)
//		peer := portworkertest.Start(t, w)
//
//		var got string
//		peer.Value(&got, "upcase", "hello")
//		// got == "HELLO"
//	}
//
// Arguments and results pass through the same codec as on a real wire, so that
// a type that does not convert is found here.
package portworkertest
