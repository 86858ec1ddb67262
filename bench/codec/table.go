package main

import (
	"fmt"
	"io"
	"slices"
)

// A goal is a bound on a ratio of medians: how many times faster etf is.
type goal struct {
	against string
	ratio   float64
}

var goals = []goal{{erlangGo, 3}, {messagePack, 1}}

// scanGoal is in GB/s, for maps of small terms.
const scanGoal = 1.0

// report prints every figure, and then the goals.
func report(w io.Writer, all []*subject, list []*figure) {
	fmt.Fprintf(w, "%-15s %-7s %-21s %12s %12s %12s  %s\n", "term", "", "", "median µs", "min", "max", "time, of etf's")
	var own float64
	for _, f := range list {
		if f.by == etfTyped {
			own = f.median()
		}
		fmt.Fprintf(w, "%-15s %-7s %-21s %12.3f %12.3f %12.3f  %5.2f ×", all[f.subject].name, f.op, f.by,
			f.median()/1e3, slices.Min(f.perRound)/1e3, slices.Max(f.perRound)/1e3, f.median()/own)
		if f.op == scan {
			fmt.Fprintf(w, "  %.2f GB/s", rate(all, f))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "\n%-15s %-7s %-38s %8s %14s\n", "goal", "", "", "reached", "in a worker")
	for _, f := range list {
		if s := all[f.subject]; f.op == scan && s.smallMaps {
			verdict(w, f, s, fmt.Sprintf("at least %.1f GB/s", scanGoal), rate(all, f), scanGoal, "")
		}
		for _, g := range goals {
			if f.by == g.against {
				wanted := fmt.Sprintf("at least %.1f × as fast as %s", g.ratio, g.against)
				worker := fmt.Sprintf("%.2f", f.median()/find(list, f, etfWorker).median())
				verdict(w, f, all[f.subject], wanted, f.median()/find(list, f, etfTyped).median(), g.ratio, worker)
			}
		}
	}
}

// verdict prints a goal, what was reached of it by Marshal and Unmarshal, and what the calls of a worker reach.
func verdict(w io.Writer, f *figure, s *subject, wanted string, got, least float64, worker string) {
	word := "met"
	if got < least {
		word = "NOT met"
	}
	fmt.Fprintf(w, "%-15s %-7s %-38s %8.2f %14s  %s\n", s.name, f.op, wanted, got, worker, word)
}

// rate is in GB/s.
func rate(all []*subject, f *figure) float64 {
	return float64(len(all[f.subject].term)) / f.median()
}

// find returns the figure of another for what f measures.
func find(list []*figure, f *figure, by string) *figure {
	i := slices.IndexFunc(list, func(other *figure) bool {
		return other.subject == f.subject && other.op == f.op && other.by == by
	})
	return list[i]
}
