package main

import (
	"fmt"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// plotShape marks the points of a line.
var plotShape = draw.CircleGlyph{}

func ticks(values []float64, text func(float64) string) plot.ConstantTicks {
	list := make(plot.ConstantTicks, len(values))
	for i, v := range values {
		list[i] = plot.Tick{Value: v, Label: text(v)}
	}
	return list
}

func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// withPrefix writes thousands as k and millions as M.
func withPrefix(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%gk", v/1e3)
	}
	return plain(v)
}

// bytes writes a size in units of 1,024.
func bytes(v float64) string {
	switch {
	case v >= 1<<20:
		return fmt.Sprintf("%g MiB", v/(1<<20))
	case v >= 1<<10:
		return fmt.Sprintf("%g KiB", v/(1<<10))
	}
	return plain(v) + " B"
}
