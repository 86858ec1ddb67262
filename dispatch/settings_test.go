package dispatch_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/dispatch"
	"portworker/etf"
)

func TestSettingsFromText(t *testing.T) {
	var c dispatch.Config
	for name, text := range map[string]string{
		"max_running": "5", "max_frame": "4096", "max_depth": "20", "drain_timeout": "1500", "cancel_grace": "20", "max_abandoned": "7",
		"memory_limit": "1000000", "processors": "3", "busy_wait": "50", "log_level": "warning", "lanes": "cpu=2, blocking=8/100",
	} {
		require.NoError(t, c.Set(name, text), name)
	}
	assert.Equal(t, dispatch.Config{
		MaxRunning: 5, MaxFrame: 4096, MaxDepth: 20, DrainTimeout: 1500 * time.Millisecond, CancelGrace: 20 * time.Millisecond, MaxAbandoned: 7,
		MemoryLimit: 1_000_000, Processors: 3, BusyWait: 50 * time.Microsecond, LogLevel: slog.LevelWarn,
		Lanes: map[dispatch.Lane]dispatch.LaneConfig{"cpu": {Size: 2}, "blocking": {Size: 8, Queue: 100}},
	}, c)
}

func TestSettingsSayWhatTheyExpect(t *testing.T) {
	cases := []struct {
		name    string
		value   any
		message string
	}{
		{"max_running", "0", "max_running: expected an integer from 1 to 100000000, got 0"},
		{"max_running", "1e3", "expected an integer"},
		{"max_running", 1.5, "expected an integer"},
		{"drain_timeout", int64(0), "drain_timeout: expected an integer from 1"},
		{"busy_wait", int64(-1), "busy_wait: expected an integer from 0"},
		{"memory_limit", etf.Atom("all"), "expected an integer from 0"},
		{"log_level", "loud", "log_level: expected debug, info, notice, warning or error, got loud"},
		{"lanes", "cpu", `expected LANE=SIZE or LANE=SIZE/QUEUE, got "cpu"`},
		{"lanes", "cpu=x", "lane cpu, size: expected an integer"},
		{"lanes", "cpu=1/0", "lane cpu, queue: expected an integer from 1"},
		{"lanes", "gpu=1", `unknown lane "gpu": expected io, cpu, blocking or dedicated`},
		{"lanes", etf.Map{{Key: etf.Atom("cpu"), Value: etf.Map{{Key: etf.Atom("width"), Value: int64(1)}}}}, `expected size and queue, got "width"`},
	}
	for _, c := range cases {
		t.Run(c.message, func(t *testing.T) {
			before := dispatch.Config{MaxRunning: 9}
			after := before
			assert.ErrorContains(t, after.Set(c.name, c.value), c.message)
			assert.Equal(t, before, after, "nothing has changed")
		})
	}
}

func TestUnknownSetting(t *testing.T) {
	var c dispatch.Config
	assert.ErrorIs(t, c.Set("speed", "11"), dispatch.ErrUnknownSetting)
}

func TestEverySettingIsDescribed(t *testing.T) {
	for _, s := range dispatch.Settings() {
		assert.NotEmpty(t, s.Doc, s.Name)
		assert.NotEmpty(t, s.Default, s.Name)
		assert.NotEmpty(t, s.Type, s.Name)
	}
}
