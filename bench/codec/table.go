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
	fmt.Fprintf(w, "\n%-15s %-7s %-38s %8s\n", "goal", "", "", "reached")
	for _, f := range list {
		if s := all[f.subject]; f.op == scan && s.smallMaps {
			reached(w, f, s, fmt.Sprintf("at least %.1f GB/s", scanGoal), rate(all, f), scanGoal)
		}
		for _, g := range goals {
			if f.by == g.against {
				wanted := fmt.Sprintf("at least %.1f × as fast as %s", g.ratio, g.against)
				reached(w, f, all[f.subject], wanted, f.median()/find(list, f.subject, f.op).median(), g.ratio)
			}
		}
	}
}

func reached(w io.Writer, f *figure, s *subject, wanted string, got, least float64) {
	verdict := "met"
	if got < least {
		verdict = "NOT met"
	}
	fmt.Fprintf(w, "%-15s %-7s %-38s %8.2f  %s\n", s.name, f.op, wanted, got, verdict)
}

// rate is in GB/s.
func rate(all []*subject, f *figure) float64 {
	return float64(len(all[f.subject].term)) / f.median()
}

// find returns etf's own figure.
func find(list []*figure, subject int, op operation) *figure {
	i := slices.IndexFunc(list, func(f *figure) bool { return f.subject == subject && f.op == op && f.by == etfTyped })
	return list[i]
}
