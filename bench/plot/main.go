// Command plot draws throughput by callers and by payload from the raw results of the benchmarks:
//
//	plot RESULTS.csv FOLDER
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: plot RESULTS.csv FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "plot: %v\n", err)
		os.Exit(1)
	}
}

func run(results, folder string) error {
	samples, err := readSamples(results)
	if err != nil {
		return err
	}
	for _, c := range charts {
		if err := c.draw(samples, filepath.Join(folder, c.file)); err != nil {
			return fmt.Errorf("draw %s: %w", c.file, err)
		}
	}
	return nil
}
