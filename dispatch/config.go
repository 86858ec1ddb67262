package dispatch

import (
	"log/slog"
	"maps"
	"runtime"
	"time"

	"portworker/protocol"
)

// Config bounds a connection. The zero value means the defaults.
type Config struct {
	// MaxRunning is the most calls that are accepted at once, waiting and abandoned
	// ones included; 0 is 10,000.
	MaxRunning int
	// Lanes sizes lanes; a lane that is missing keeps its default.
	Lanes map[Lane]LaneConfig
	// MaxFrame is the largest packet accepted, in bytes; 0 is 64 MiB.
	MaxFrame int
	// MaxDepth is how deep a term may be nested; 0 is 1,000.
	MaxDepth int
	// DrainTimeout is how long shutting down may take; 0 is 5 s.
	DrainTimeout time.Duration
	// CancelGrace is how long a cancelled handler has before its task ends without
	// it; 0 is 1 s.
	CancelGrace time.Duration
	// MaxAbandoned is how many handlers may outlive their tasks before the worker asks
	// to be replaced; 0 is 100.
	MaxAbandoned int
	// MemoryLimit is a soft bound on the heap in bytes, past which new calls are
	// overloaded; 0 is none.
	MemoryLimit int64
	// Processors is how many processors computing may take: the size of the CPU lane. 0 is
	// as many as the runtime found. A worker that is a program sets GOMAXPROCS to two more, so
	// that a full CPU lane leaves it threads which the system, and not the end of a
	// computation's time slice in the runtime, lets run.
	Processors int
	// BusyWait is how long a reader polls for the next packet before it sleeps; 0
	// is not at all.
	BusyWait time.Duration
	// LogLevel is the lowest level of log records sent; the zero value is info.
	LogLevel slog.Level
}

// The defaults.
const (
	DefaultMaxRunning   = 10_000
	DefaultMaxDepth     = 1_000
	DefaultDrainTimeout = 5 * time.Second
	DefaultCancelGrace  = time.Second
	DefaultMaxAbandoned = 100
)

// processors is what the runtime found when the program began.
var processors = runtime.GOMAXPROCS(0)

// withDefaults returns c with every zero replaced by what it stands for.
func (c Config) withDefaults() Config {
	c.MaxRunning = or(c.MaxRunning, DefaultMaxRunning)
	c.MaxFrame = or(c.MaxFrame, protocol.DefaultMaxFrame)
	c.MaxDepth = or(c.MaxDepth, DefaultMaxDepth)
	c.DrainTimeout = or(c.DrainTimeout, DefaultDrainTimeout)
	c.CancelGrace = or(c.CancelGrace, DefaultCancelGrace)
	c.MaxAbandoned = or(c.MaxAbandoned, DefaultMaxAbandoned)
	c.Processors = or(c.Processors, processors)
	lanes := maps.Clone(c.Lanes)
	if lanes == nil {
		lanes = make(map[Lane]LaneConfig)
	}
	for _, lane := range allLanes {
		lanes[lane] = lanes[lane].withDefaults(lane, c)
	}
	c.Lanes = lanes
	return c
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
