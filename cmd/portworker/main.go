// Command portworker runs useful Go functions for the BEAM, and is an example of how little a
// worker's own main takes: name it, register functions, hand over to Main.
package main

import "portworker"

func main() {
	w := portworker.New(portworker.Config{Name: "portworker", Version: version})
	register(w)
	portworker.Main(w)
}
