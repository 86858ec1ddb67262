package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// Measures of the picture, in pixels.
const (
	width     = 960
	rowHeight = 22
	letter    = 6.6 // the width of one, at most
	leastText = 5   // letters; a shorter name is not worth its place
)

// hues are those of the functions, from the widest on.
var hues = []int{210, 30, 140, 330, 55, 270}

type picture struct {
	out   io.Writer // keeps its first error
	total time.Duration
	rows  int
}

func (p *picture) draw(root *frame) {
	fmt.Fprintf(p.out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="monospace" font-size="11">`+"\n",
		width, p.rows*rowHeight)
	p.frame(root, 0, 0, 0)
	fmt.Fprintln(p.out, "</svg>")
}

// frame draws f with all that stands on it, from x on. The lowest row is 0.
func (p *picture) frame(f *frame, x float64, row, hue int) {
	w := width * f.time.Seconds() / p.total.Seconds()
	if w < 1 {
		return
	}
	p.box(f, x, w, row, hue)
	for i, c := range f.called {
		if row == 0 {
			hue = hues[i%len(hues)]
		}
		p.frame(c, x, row+1, hue)
		x += width * c.time.Seconds() / p.total.Seconds()
	}
}

func (p *picture) box(f *frame, x, w float64, row, hue int) {
	y := (p.rows - 1 - row) * rowHeight
	fill := "#ddd"
	if row > 0 {
		fill = fmt.Sprintf("hsl(%d,65%%,%d%%)", hue, min(66+4*row, 86))
	}
	share := fmt.Sprintf("%s: %v, %.1f %%", f.name, f.time, 100*f.time.Seconds()/p.total.Seconds())
	fmt.Fprintf(p.out, `<g><title>%s</title><rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`,
		escaped(share), x, y, max(w-1, 0.5), rowHeight-1, fill)
	if name := fitting(f.name, w); name != "" {
		fmt.Fprintf(p.out, `<text x="%.1f" y="%d" fill="#111">%s</text>`, x+4, y+rowHeight-7, escaped(name))
	}
	fmt.Fprintln(p.out, "</g>")
}

// fitting is as much of a name as there is room for, or nothing.
func fitting(name string, w float64) string {
	room := int((w - 8) / letter)
	switch {
	case len(name) <= room:
		return name
	case room < leastText:
		return ""
	default:
		return name[:room-1] + "…"
	}
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder takes everything
	return b.String()
}
