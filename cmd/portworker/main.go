// Command portworker runs useful Go functions for the BEAM, and is an example of how little a
// worker's own main takes: name it, register functions, hand over to Main.
package main

import (
	"github.com/spf13/pflag"

	"portworker"
)

func main() {
	var debug bool
	w := portworker.New(portworker.Config{
		Name:    "portworker",
		Version: "0.1.0",
		Doc:     "Runs Go functions for Erlang and Elixir: it digests and searches files, makes thumbnails, and more.",
		Flags: func(flags *pflag.FlagSet) {
			flags.BoolVar(&debug, "debug-functions", false, "offer functions that crash, print and spin too, for tests")
		},
		OnStart: func(w *portworker.Worker) error {
			if debug {
				registerDebug(w)
			}
			return nil
		},
	})
	register(w)
	portworker.Main(w)
}
