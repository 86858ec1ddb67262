package test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheRunningLimit(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Args("--max-running", "3"))
		for ref := range 3 {
			p.Call(ref, "sleep", 60_000)
		}
		p.Call("too many", "echo", 1)
		assert.Contains(t, p.Failure("too many", "overloaded").Message, "3")
		p.Send(cancel(0))
		p.Failure(0, "cancelled")
		p.Call("room again", "echo", 1)
		assert.EqualValues(t, 1, p.Value("room again"))
		p.Send(cancel(1), cancel(2))
		p.Failure(1, "cancelled")
		p.Failure(2, "cancelled")
	})
}

// A task that was given up but has not returned still holds what it holds, so it
// still counts against the limit.
func TestARunawayCountsAgainstTheRunningLimit(t *testing.T) {
	p := Start(t, overETF, debugging, Args("--max-running", "1", "--drain-timeout", "500"))
	p.runaway = true
	p.Send(callWith(options("timeout", 50), 1, "debug.spin"))
	p.Failure(1, "timeout")
	p.Call(2, "echo", 1)
	p.Failure(2, "overloaded")
}

func TestTheDefaultRunningLimit(t *testing.T) {
	p := Start(t, overETF)
	const limit = 10_000
	for ref := range limit {
		p.Call(ref, "sleep", 60_000)
	}
	p.Call("too many", "echo", 1)
	p.Failure("too many", "overloaded")
	for ref := range limit {
		p.Send(cancel(ref))
		p.Failure(ref, "cancelled")
	}
}

// limit reads one limit of a hello.
func limit(t *testing.T, greeting map[string]any, name string) any {
	t.Helper()
	limits, ok := greeting["limits"].(map[string]any)
	require.True(t, ok, "want limits in %v", greeting)
	return limits[name]
}

func TestConfigInHello(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		greeting := p.Hello("config", options("max_running", 1, "max_frame", 1<<20))
		assert.EqualValues(t, 1, limit(t, greeting, "max_running"))
		assert.EqualValues(t, 1<<20, limit(t, greeting, "max_frame"))

		p.Call(1, "sleep", 60_000)
		p.Call(2, "echo", 1)
		p.Failure(2, "overloaded")
		p.Send(cancel(1))
		p.Failure(1, "cancelled")

		p.Send(ping(strings.Repeat("x", 2<<20)))
		p.Fault("frame_too_large")
		p.Ping()
	})
}

func TestUnknownConfigInHelloIsNamedAndTheRestHolds(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		greeting := p.Hello("config", options("max_runing", 7, "max_running", 5, "colour", "red"))
		assert.EqualValues(t, 5, limit(t, greeting, "max_running"))
		message := p.Fault("bad_message").Message
		assert.Contains(t, message, "max_runing")
		assert.Contains(t, message, "colour")
		p.Call(1, "echo", 1)
		p.Value(1)
	})
}

func TestInvalidConfigInHelloIsNamedAndTheRestHolds(t *testing.T) {
	tests := map[string]any{
		"max_running":   -1,
		"max_frame":     "large",
		"max_depth":     0.5,
		"drain_timeout": -5,
		"memory_limit":  list(),
		"processors":    -1,
		"log_level":     atom("shouting"),
		"lanes":         options("cpu", -1),
	}
	everywhere(t, func(t *testing.T, via transport) {
		for key, bad := range tests {
			t.Run(key, func(t *testing.T) {
				p := Start(t, via)
				good := options(key, bad, "busy_wait", 0)
				if key != "max_running" {
					good = append(good, options("max_running", 5)...)
				}
				greeting := p.Hello("config", good)
				assert.Contains(t, p.Fault("bad_message").Message, key)
				if key != "max_running" {
					assert.EqualValues(t, 5, limit(t, greeting, "max_running"))
				} else {
					assert.EqualValues(t, 10_000, limit(t, greeting, "max_running"))
				}
				p.Call(1, "echo", 1)
				p.Value(1)
			})
		}
	})
}

func TestConfigThatIsNoMap(t *testing.T) {
	p := Start(t, overETF)
	p.Send(hello("config", "please"))
	p.Fault("bad_message")
	p.Call(1, "echo", 1)
	p.Value(1)
	p.inbox.take(func(m Message) bool { return m.Tag == "hello" }, 0)
}

// Flags win over the environment, and the client's hello over both.
func TestWhereALimitComesFrom(t *testing.T) {
	tests := map[string]struct {
		opts []Option
		want int
	}{
		"nowhere":              {nil, 10_000},
		"environment":          {[]Option{Env("PORTWORKER_MAX_RUNNING=11")}, 11},
		"flag":                 {[]Option{Args("--max-running", "12")}, 12},
		"flag and environment": {[]Option{Env("PORTWORKER_MAX_RUNNING=11"), Args("--max-running=12")}, 12},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := Start(t, overETF, tt.opts...)
			assert.EqualValues(t, tt.want, limit(t, p.Hello(), "max_running"))
		})
		t.Run(name+", then hello", func(t *testing.T) {
			p := Start(t, overETF, tt.opts...)
			assert.EqualValues(t, 13, limit(t, p.Hello("config", options("max_running", 13)), "max_running"))
		})
	}
}

func TestEveryLimitHasAFlagAndAVariable(t *testing.T) {
	settings := map[string]string{
		"max-running": "21", "max-frame": "1048576", "max-depth": "50", "drain-timeout": "2500",
		"memory-limit": "1073741824", "processors": "1", "busy-wait": "20",
	}
	var args, env []string
	for name, value := range settings {
		args = append(args, "--"+name, value)
		env = append(env, "PORTWORKER_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+value)
	}
	for from, opt := range map[string]Option{"flags": Args(args...), "environment": Env(env...)} {
		t.Run(from, func(t *testing.T) {
			greeting := Start(t, overETF, opt).Hello()
			for name, value := range settings {
				want, err := strconv.Atoi(value)
				require.NoError(t, err)
				assert.EqualValues(t, want, limit(t, greeting, strings.ReplaceAll(name, "-", "_")), name)
			}
		})
	}
}

func TestDebugFunctionsAndDescriptorsByEnvironment(t *testing.T) {
	p := Start(t, overETF, Env("PORTWORKER_DEBUG_FUNCTIONS=true"))
	p.Call(1, "debug.panic", "boom")
	p.Failure(1, "panic")
}

func TestTheMemoryLimit(t *testing.T) {
	p := Start(t, overETF, Args("--memory-limit", "1"))
	deadline := time.Now().Add(patience)
	for ref := 0; ; ref++ { // the limit is soft: it is measured now and then
		p.Call(ref, "echo", ref)
		if _, failed := p.Result(ref); failed != nil {
			require.Equal(t, "overloaded", failed.Reason)
			break
		}
		require.True(t, time.Now().Before(deadline), "no call was refused")
	}
	p.Ping()
	p.runaway = true // $stats is refused as well
}

func TestTheDepthLimit(t *testing.T) {
	p := Start(t, overETF, Args("--max-depth", "20"))
	p.Call(1, "echo", nested(10))
	p.Value(1)
	p.Call(2, "echo", nested(30))
	p.Refused(2)
	p.Ping()
	p.Discard("fault")
}

// nested is a list in a list, and so on down.
func nested(depth int) any {
	var v any = list()
	for range depth {
		v = list(v)
	}
	return v
}
