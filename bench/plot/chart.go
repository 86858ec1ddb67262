package main

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// A chart has a line for each subject of the tables of one kind: medians, with a bar from the least
// to the most of all rounds. Both axes are logarithmic.
type chart struct {
	file, table   string
	title, xLabel string
	yLabel        string
	xText, yText  func(float64) string
	yTicks        []float64
	legendRight   bool // at the bottom, instead of at the top on the left
	lines         []line
}

type line struct {
	subject string
	color   color.Color
}

// Colours that people who see few of them can tell apart, too.
var (
	blue   = color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	orange = color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}
	green  = color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff}
	grey   = color.RGBA{R: 0x70, G: 0x70, B: 0x70, A: 0xff}
)

var charts = []chart{
	{
		file: "throughput-by-callers.svg", table: "callers",
		title: "Calls a second, by calling processes", xLabel: "calling processes", yLabel: "calls/s",
		xText: plain, yText: withPrefix, yTicks: []float64{10e3, 20e3, 50e3, 100e3, 200e3, 500e3, 1e6},
		legendRight: true,
		lines:       []line{{"GenServer.call/2", grey}, {"C echo, by alias", orange}, {"run/4", blue}},
	},
	{
		file: "throughput-by-payload.svg", table: "payload",
		title: "Megabytes a second there and back, by payload", xLabel: "bytes of a payload", yLabel: "MB/s",
		xText: bytes, yText: plain, yTicks: []float64{0.1, 1, 10, 100, 1000},
		lines: []line{
			{"C echo, 1 MiB pipes", orange}, {"C echo", grey}, {"worker, bare port", green}, {"run/4", blue},
		},
	},
}

func (c chart) draw(samples map[key][]sample, path string) error {
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.title, c.xLabel, c.yLabel
	p.Title.Padding = vg.Points(6)
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.Y.Tick.Marker = ticks(c.yTicks, c.yText)
	p.Legend.Left, p.Legend.Top = !c.legendRight, !c.legendRight
	p.Legend.Padding = vg.Points(2)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{Y: 0xd8}, color.Gray{Y: 0xd8}
	p.Add(grid)

	var xs []float64
	for _, l := range c.lines {
		line := samples[key{c.table, l.subject}]
		if len(line) == 0 {
			return fmt.Errorf("the results have no rates of %q in the tables %s-N", l.subject, c.table)
		}
		if err := l.draw(p, line); err != nil {
			return err
		}
		xs = abscissas(line)
	}
	p.X.Tick.Marker = ticks(xs, c.xText)
	return p.Save(vg.Points(560), vg.Points(340), path)
}

// draw adds the line to the plot.
func (l line) draw(p *plot.Plot, samples []sample) error {
	points, bars := ranges(samples)
	medians, markers, err := plotter.NewLinePoints(points)
	if err != nil {
		return err
	}
	extent, err := plotter.NewYErrorBars(bars)
	if err != nil {
		return err
	}
	medians.Color, medians.Width = l.color, vg.Points(1.6)
	markers.Color, markers.Radius = l.color, vg.Points(2.2)
	markers.Shape = plotShape
	extent.Color = l.color
	p.Add(extent, medians, markers)
	p.Legend.Add(l.subject, medians, markers)
	return nil
}

// withRanges is what error bars are drawn of.
type withRanges struct {
	plotter.XYs
	plotter.YErrors
}

// ranges are the medians and how far the least and the most of all rounds are from them.
func ranges(samples []sample) (plotter.XYs, withRanges) {
	points := make(plotter.XYs, len(samples))
	errors := make(plotter.YErrors, len(samples))
	for i, s := range samples {
		points[i].X, points[i].Y = s.x, s.median()
		errors[i].Low = points[i].Y - slices.Min(s.values)
		errors[i].High = slices.Max(s.values) - points[i].Y
	}
	return points, withRanges{points, errors}
}

func abscissas(samples []sample) []float64 {
	xs := make([]float64, len(samples))
	for i, s := range samples {
		xs[i] = s.x
	}
	return xs
}
