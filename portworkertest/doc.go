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
// Streams and channels are driven by hand, so that a test decides how much is asked for:
//
//	ref := peer.Start("fibonacci", nil)
//	peer.Grant(ref, 3)
//	peer.Elements(ref, 3) // 0, 1, 1, and no more until the next Grant
//
// Arguments and results pass through the same codec as on a real wire, so that
// a type that does not convert is found here.
package portworkertest
