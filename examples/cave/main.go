// Command cave is a worker with a game in it: a cave with gold at some places. A channel is one
// player's game, and the game is a local variable of its handler, so that no lock is needed.
package main

import (
	"context"
	"hash/fnv"
	"slices"

	"portworker"
	"portworker/etf"
)

// command is what a player says: {:walk, %{x: 1, y: 0}}, :dig, :look or :save.
type command interface{ command() }

type (
	walk struct{ X, Y int } // by so many steps
	dig  struct{}
	look struct{}
	save struct{}
)

func (walk) command() {}
func (dig) command()  {}
func (look) command() {}
func (save) command() {}

// answer is what comes of it, one for each command.
type answer interface{ answer() }

type (
	view  struct{ At, Gold int } // also after walk
	found struct{ Gold int }
	dust  struct{} // there was nothing to find
	wall  struct{} // there is no way
	saved struct{ Game game }
)

func (view) answer()  {}
func (found) answer() {}
func (dust) answer()  {}
func (wall) answer()  {}
func (saved) answer() {}

var (
	_ = etf.RegisterUnion[command](walk{}, dig{}, look{}, save{})
	_ = etf.RegisterUnion[answer](view{}, found{}, dust{}, wall{}, saved{})
)

const side = 8 // of the cave, in steps

// game is all there is to know of one. It is what :save gives, and what a channel may be opened with.
type game struct {
	Seed string // which of all caves it is
	At   int    // y*side + x
	Gold int
	Dug  []int // the places where there is nothing left
}

func main() {
	w := portworker.New(portworker.Config{Name: "cave"})
	portworker.HandleChannel(w, "play", play, portworker.Doc("A game, new or as it was saved: takes walk, dig, look and save."))
	portworker.Main(w)
}

func play(ctx context.Context, g game, ch *portworker.Channel[command, answer]) error {
	for c, err := range ch.All(ctx) {
		if err != nil {
			return err
		}
		if err := ch.Send(ctx, g.act(c)); err != nil {
			return err
		}
	}
	return nil
}

func (g *game) act(c command) answer {
	switch c := c.(type) {
	case walk:
		x, y := g.At%side+c.X, g.At/side+c.Y
		if x < 0 || x >= side || y < 0 || y >= side {
			return wall{}
		}
		g.At = y*side + x
	case dig:
		gold := g.goldHere()
		g.Dug = append(g.Dug, g.At)
		g.Gold += gold
		if gold == 0 {
			return dust{}
		}
		return found{Gold: gold}
	case save:
		return saved{Game: *g}
	}
	return view{At: g.At, Gold: g.Gold}
}

// goldHere is the same for the same cave and place, whenever and wherever it is asked.
func (g *game) goldHere() int {
	if slices.Contains(g.Dug, g.At) {
		return 0
	}
	hash := fnv.New32a()
	hash.Write([]byte(g.Seed))
	hash.Write([]byte{byte(g.At)})
	return int(hash.Sum32()>>8) % 10
}
