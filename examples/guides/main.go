// Command guides is the worker of the guides in docs/: each file holds the handlers of one page.
package main

import "portworker"

func main() {
	w := portworker.New(portworker.Config{Name: "guides", Doc: "The worker of the guides in docs/."})
	handlers(w)
	counters(w)
	searches(w)
	portworker.Main(w)
}
