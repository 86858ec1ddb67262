// Command go is the worker of the Elixir client's tests: one function for each
// thing that the client has to cope with.
package main

import (
	"portworker"
)

func main() {
	w := portworker.New(portworker.Config{Name: "test worker"})
	registerStreams(w)
	registerChannels(w)
	registerCallbacks(w)
	registerGroups(w)
	registerLogs(w)
	portworker.Main(w)
}
