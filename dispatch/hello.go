package dispatch

import (
	"os"
	"strings"

	"portworker/etf"
	"portworker/protocol"
)

// hello applies the client's settings and introduces the worker. What could
// not be applied is told in a fault after the hello, and the rest holds.
func (c *Conn) hello(m *protocol.Hello) {
	config, problems := c.configured(m)
	c.update(func(s *inflight) {
		s.configure(config)
		config = s.config
	})
	c.parser.Limits = etf.Limits{MaxDepth: config.MaxDepth, MaxInflated: config.MaxFrame}
	c.reader.SetMax(config.MaxFrame)
	c.memory.limit.Store(config.MemoryLimit)
	c.logs.level.Set(config.LogLevel)
	c.logs.greeted.Store(true)
	c.writer.SetWindow(m.Window)
	c.short.Store(m.ShortResults)
	if m.Callbacks != nil {
		c.offered.Store(&m.Callbacks)
	}
	if c.options.OnConfig != nil {
		c.options.OnConfig(config)
	}
	o, err := c.codec().Hello(c.introduction(config))
	if err != nil {
		c.fault(nil, &protocol.Error{Reason: protocol.Unsupported, Message: "encode hello: " + err.Error()})
		return
	}
	c.answer(o)
	if m.Protocol > protocol.Version {
		problems = append(problems, "this worker speaks protocol 1: expected protocol 1 or none")
	}
	if len(problems) > 0 {
		c.fault(nil, &protocol.Error{Reason: protocol.BadMessage, Message: "hello: " + strings.Join(problems, "; ")})
	}
}

// configured returns the connection's configuration with the hello's settings
// over it, and a sentence for each that could not be applied.
func (c *Conn) configured(m *protocol.Hello) (Config, []string) {
	c.mu.Lock()
	config := c.state.asked
	c.mu.Unlock()
	var problems []string
	set := func(name string, value any) {
		if err := config.Set(name, value); err != nil {
			problems = append(problems, err.Error())
		}
	}
	for _, pair := range m.Config {
		name, ok := word(pair.Key)
		if !ok {
			problems = append(problems, "a setting's name is not an atom or a binary")
			continue
		}
		set(name, pair.Value)
	}
	if m.LogLevel != "" {
		set("log_level", m.LogLevel)
	}
	return config, problems
}

// introduction is the worker's hello.
func (c *Conn) introduction(config Config) etf.Map {
	key := func(name string, value any) etf.Pair { return etf.Pair{Key: etf.Atom(name), Value: value} }
	return etf.Map{
		key("protocol", protocol.Version),
		key("name", c.options.Name),
		key("version", c.options.Version),
		key("os_pid", os.Getpid()),
		key("functions", c.options.Registry.describe()),
		key("types", c.options.Registry.types()),
		key("short_calls", true),
		key("limits", config.limits()),
	}
}

// limits lists a configuration under the names of its settings.
func (c Config) limits() etf.Map {
	key := func(name string, value any) etf.Pair { return etf.Pair{Key: etf.Atom(name), Value: value} }
	lanes := make(etf.Map, 0, len(allLanes))
	for _, lane := range allLanes {
		l := c.Lanes[lane]
		lanes = append(lanes, key(string(lane), etf.Map{key("size", l.Size), key("queue", l.Queue)}))
	}
	return etf.Map{
		key("max_running", c.MaxRunning),
		key("lanes", lanes),
		key("max_frame", c.MaxFrame),
		key("max_depth", c.MaxDepth),
		key("drain_timeout", c.DrainTimeout.Milliseconds()),
		key("cancel_grace", c.CancelGrace.Milliseconds()),
		key("max_abandoned", c.MaxAbandoned),
		key("memory_limit", c.MemoryLimit),
		key("processors", c.Processors),
		key("busy_wait", c.BusyWait.Microseconds()),
		key("log_level", etf.Atom(levelName(c.LogLevel))),
	}
}
