// Command flame draws a profile of a worker as a flame graph in SVG, with a part for each function of the
// worker: what is wide takes time, and stands on what has called it.
//
//	go tool pprof -traces cpu.pprof | flame > cpu.svg
//
// The picture in docs/debugging.md is made by it. In a browser, go tool pprof -http=: shows more.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := draw(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "flame:", err)
		os.Exit(1)
	}
}

func draw(traces io.Reader, out io.Writer) error {
	root, err := read(traces)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	(&picture{out: w, total: root.time, rows: root.height()}).draw(root)
	return w.Flush()
}
