package dispatch

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"portworker/etf"
)

// ErrUnknownSetting is returned by [Config.Set] for a name that is no setting.
var ErrUnknownSetting = errors.New("unknown setting")

// Setting is one knob of a [Config], as flags, environment variables and a
// client's hello name it.
type Setting struct {
	Name    string // as in hello's config
	Doc     string // one line, with the unit
	Default string
	Type    string // of the value, for --help
	set     func(c *Config, value any) error
}

var settings = []Setting{
	{"max_running", "calls accepted at once", "10000", "n", func(c *Config, v any) error {
		return setInt(&c.MaxRunning, v, 1, 100_000_000)
	}},
	{"lanes", "lane sizes and queues, as cpu=2,blocking=512 or cpu=2/1000 (size/queue)", "io=max_running,cpu=processors,blocking=512,dedicated=64", "lanes", setLanes},
	{"max_frame", "largest packet in bytes", "67108864", "bytes", func(c *Config, v any) error {
		return setInt(&c.MaxFrame, v, 64, math.MaxInt32)
	}},
	{"max_depth", "deepest nesting of a term", "1000", "n", func(c *Config, v any) error {
		return setInt(&c.MaxDepth, v, 8, 10_000)
	}},
	{"drain_timeout", "milliseconds that shutting down may take", "5000", "ms", func(c *Config, v any) error {
		return setDuration(&c.DrainTimeout, v, time.Millisecond, 1)
	}},
	{"cancel_grace", "milliseconds a cancelled handler has to return", "1000", "ms", func(c *Config, v any) error {
		return setDuration(&c.CancelGrace, v, time.Millisecond, 1)
	}},
	{"max_abandoned", "handlers that may outlive their tasks before the worker asks to be replaced", "100", "n", func(c *Config, v any) error {
		return setInt(&c.MaxAbandoned, v, 1, 100_000_000)
	}},
	{"memory_limit", "bytes of heap past which new calls are refused, 0 for none", "0", "bytes", func(c *Config, v any) error {
		n := int(c.MemoryLimit)
		err := setInt(&n, v, 0, math.MaxInt)
		c.MemoryLimit = int64(n)
		return err
	}},
	{"processors", "processors that computing may take: the size of lane cpu", "as many as there are", "n", func(c *Config, v any) error {
		return setInt(&c.Processors, v, 1, 1024)
	}},
	{"busy_wait", "microseconds to poll for the next packet before sleeping, 0 for none", "0", "µs", func(c *Config, v any) error {
		return setDuration(&c.BusyWait, v, time.Microsecond, 0)
	}},
	{"log_level", "lowest level of log records sent: debug, info, notice, warning or error", "info", "level", setLogLevel},
}

// Settings returns all settings, in the order in which they are documented.
func Settings() []Setting { return slices.Clone(settings) }

// Set changes one setting. The value may be of the kind a client sends (an
// integer, a name, a map of lanes) or a string, as flags and environment variables have it. The
// error says what was expected; c is unchanged then.
func (c *Config) Set(name string, value any) error {
	i := slices.IndexFunc(settings, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return fmt.Errorf("%w %q", ErrUnknownSetting, name)
	}
	if err := settings[i].set(c, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func setInt(target *int, value any, least, most int) error {
	n, err := integer(value)
	if err != nil || n < int64(least) || n > int64(most) {
		return fmt.Errorf("expected an integer from %d to %d, got %v", least, most, value)
	}
	*target = int(n)
	return nil
}

func setDuration(target *time.Duration, value any, unit time.Duration, least int) error {
	most := int(time.Duration(math.MaxInt64) / unit)
	n := 0
	if err := setInt(&n, value, least, most); err != nil {
		return err
	}
	*target = time.Duration(n) * unit
	return nil
}

func integer(value any) (int64, error) {
	switch v := value.(type) {
	case int64:
		return v, nil
	case int:
		return int64(v), nil
	case string:
		return strconv.ParseInt(v, 10, 64)
	}
	return 0, errors.New("not an integer")
}

// word reads an atom or a string.
func word(value any) (string, bool) {
	switch v := value.(type) {
	case etf.Atom:
		return string(v), true
	case string:
		return v, true
	}
	return "", false
}

func setLanes(c *Config, value any) error {
	lanes := make(map[Lane]LaneConfig, len(allLanes))
	for lane, config := range c.Lanes {
		lanes[lane] = config
	}
	var err error
	switch v := value.(type) {
	case etf.Map:
		err = lanesFromMap(lanes, v)
	case string:
		err = lanesFromText(lanes, v)
	default:
		err = fmt.Errorf("expected a map of lanes, got %v", value)
	}
	if err == nil {
		c.Lanes = lanes
	}
	return err
}

// lanesFromMap reads #{cpu => 2, blocking => #{size => 512, queue => 100}}.
func lanesFromMap(lanes map[Lane]LaneConfig, m etf.Map) error {
	for _, pair := range m {
		name, _ := word(pair.Key)
		sizes, ok := pair.Value.(etf.Map)
		if !ok {
			sizes = etf.Map{{Key: "size", Value: pair.Value}}
		}
		for _, part := range sizes {
			which, _ := word(part.Key)
			if err := setLane(lanes, name, which, part.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// lanesFromText reads cpu=2,blocking=512/100.
func lanesFromText(lanes map[Lane]LaneConfig, text string) error {
	for item := range strings.SplitSeq(text, ",") {
		name, sizes, ok := strings.Cut(strings.TrimSpace(item), "=")
		if !ok {
			return fmt.Errorf("expected LANE=SIZE or LANE=SIZE/QUEUE, got %q", item)
		}
		size, queue, hasQueue := strings.Cut(sizes, "/")
		if err := setLane(lanes, name, "size", size); err != nil {
			return err
		}
		if hasQueue {
			if err := setLane(lanes, name, "queue", queue); err != nil {
				return err
			}
		}
	}
	return nil
}

func setLane(lanes map[Lane]LaneConfig, name, which string, value any) error {
	if _, ok := laneIndex(Lane(name)); !ok {
		return unknownLane(name)
	}
	config := lanes[Lane(name)]
	var err error
	switch which {
	case "size":
		err = setInt(&config.Size, value, 1, 100_000_000)
	case "queue":
		err = setInt(&config.Queue, value, 1, 100_000_000)
	default:
		return fmt.Errorf("lane %s: expected size and queue, got %q", name, which)
	}
	if err != nil {
		return fmt.Errorf("lane %s, %s: %w", name, which, err)
	}
	lanes[Lane(name)] = config
	return nil
}

// LevelNotice lies between info and warning, as the levels of Erlang's logger do.
const LevelNotice = slog.Level(2)

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "notice": LevelNotice,
	"warning": slog.LevelWarn, "warn": slog.LevelWarn, "error": slog.LevelError,
}

func setLogLevel(c *Config, value any) error {
	name, _ := word(value)
	level, ok := levels[name]
	if !ok {
		return fmt.Errorf("expected debug, info, notice, warning or error, got %v", value)
	}
	c.LogLevel = level
	return nil
}
