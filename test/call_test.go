package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"portworker/etf"
)

func TestBatches(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Batch(
			call(1, "upcase", "a"),
			tuple(atom("no_such_message"), 1),
			call(2, "no_such_function"),
			ping("in between"),
			call(3, "upcase", 3),
			tuple(atom("ping")),
			call(4, "upcase", "d"),
		)
		assert.Equal(t, "A", p.Value(1))
		p.Failure(2, "unknown_function")
		p.Pong("in between")
		p.Failure(3, "bad_args")
		assert.Equal(t, "D", p.Value(4))
		p.Fault("bad_message")
		p.Fault("bad_message")
	})
}

func TestABatchOfOneAndOfNone(t *testing.T) {
	p := Start(t, overETF)
	p.Batch(call(1, "upcase", "a"))
	assert.Equal(t, "A", p.Value(1))
	p.Batch()
	p.Ping()
	p.None("result")
}

// What is ready goes out together: a peer that reads nothing for a while finds
// many results to a packet.
func TestTheWorkerBatchesWhatIsReady(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, Unread())
		const calls = 5000
		for i := range calls {
			p.Send(call(i, "echo", strings.Repeat("x", 512))) // more than the pipe holds
		}
		p.Read()
		for i := range calls {
			require.Len(t, p.Value(i), 512)
		}
		assert.Less(t, p.packets.Load(), int64(calls))
	})
}

func TestNamesMayBeBinaries(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(tuple(atom("call"), 1, []byte("upcase"), list("a")))
		assert.Equal(t, "A", p.Value(1))
	})
}

func TestArgsMayBeAStringOfSmallIntegers(t *testing.T) {
	p := Start(t, overETF)
	// STRING_EXT is how a BEAM writes [42].
	p.Send(tuple(atom("call"), 1, atom("echo"), etf.Raw("\x6b\x00\x01\x2a")))
	assert.EqualValues(t, 42, p.Value(1))
	p.Send(tuple(atom("call"), 2, atom("echo"), etf.Raw("\x6b\x00\x02\x2a\x2b")))
	assert.NotEmpty(t, p.Failure(2, "bad_args").Message)
}

func TestUnknownFunction(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "no.such.function", 1, 2)
		assert.Contains(t, p.Failure(1, "unknown_function").Message, "no.such.function")
		p.Call(2, "debug.panic")
		p.Failure(2, "unknown_function")
	})
}

func TestBadArguments(t *testing.T) {
	tests := map[string]struct {
		call     etf.Tuple
		expected []string // what the message names
	}{
		"none where one is needed":   {call(1, "upcase"), []string{"1", "0"}},
		"two where one is needed":    {call(1, "upcase", "a", "b"), []string{"1", "2"}},
		"an integer for a binary":    {call(1, "upcase", 42), []string{"binary", "integer", "42"}},
		"a list for a binary":        {call(1, "upcase", list(104, 105)), []string{"binary", "list"}},
		"a binary for an integer":    {call(1, "sleep", "soon"), []string{"integer", "binary", "soon"}},
		"a float for an integer":     {call(1, "sleep", 1.5), []string{"integer", "float"}},
		"a bignum for an integer":    {call(1, "sleep", uint64(1)<<63), []string{"integer"}},
		"a map for a list":           {call(1, "process_items", options("a", 1)), []string{"list", "map"}},
		"an algorithm there is none": {call(1, "file.digest", "/dev/null", "rot13"), []string{"rot13", "sha256"}},
	}
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				p := p.in(t)
				p.Send(tt.call)
				message := p.Failure(1, "bad_args").Message
				for _, word := range tt.expected {
					assert.Contains(t, message, word)
				}
			})
		}
	})
}

// An atom is no string, on the one wire that tells them apart.
func TestAnAtomIsNoBinary(t *testing.T) {
	p := Start(t, overETF)
	p.Call(1, "upcase", atom("hello"))
	message := p.Failure(1, "bad_args").Message
	assert.Contains(t, message, "binary")
	assert.Contains(t, message, "atom")
}

// A call whose ref can be read is answered by a result, whatever else is wrong with it.
func TestCallsOfTheWrongShape(t *testing.T) {
	tests := map[string]any{
		"arguments that are no list": tuple(atom("call"), 1, atom("echo"), 42),
		"a name that is no name":     tuple(atom("call"), 1, 42, list(1)),
		"options that are no map":    tuple(atom("call"), 1, atom("echo"), list(1), "options"),
		"a timeout that is no time":  callWith(options("timeout", "soon"), 1, "echo", 1),
		"a timeout before now":       callWith(options("timeout", -1), 1, "echo", 1),
	}
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		for name, message := range tests {
			t.Run(name, func(t *testing.T) {
				p := p.in(t)
				p.Send(message)
				_, failed := p.Result(1)
				require.NotNil(t, failed)
				assert.Contains(t, []string{"bad_message", "bad_args"}, failed.Reason)
				assert.NotEmpty(t, failed.Message)
			})
		}
	})
}

func TestAnImproperListOfArguments(t *testing.T) {
	p := Start(t, overETF)
	p.Send(tuple(atom("call"), 1, atom("echo"), etf.ImproperList{Elements: []any{1}, Tail: 2}))
	_, failed := p.Result(1)
	require.NotNil(t, failed)
	assert.Contains(t, []string{"bad_message", "bad_args"}, failed.Reason)
}

func TestUnknownOptionsAreIgnored(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("of_the_future", tuple(1), "timeout", atom("infinity")), 1, "echo", "a"))
		assert.Equal(t, "a", p.Value(1))
	})
}

func TestADuplicateOfALiveRef(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call("one", "sleep", 60_000)
		p.Call("one", "echo", "again")
		m := p.Expect("fault")
		assert.Equal(t, "one", m.At(0))
		f, err := failure(m.At(1))
		require.NoError(t, err)
		assert.Equal(t, "duplicate_ref", f.Reason)
		p.Ping()
		p.None("result") // the first one lives

		p.Send(cancel("one"))
		p.Failure("one", "cancelled")
		p.Call("one", "echo", "the ref is free again")
		assert.Equal(t, "the ref is free again", p.Value("one"))
	})
}

// Whatever else is wrong with a call, a result for its ref would end another task.
func TestABadCallOfALiveRef(t *testing.T) {
	bad := map[string]any{
		"unknown function":    call(1, "no.such.function"),
		"wrong arguments":     call(1, "upcase", 42),
		"arguments no list":   tuple(atom("call"), 1, atom("echo"), 42),
		"options no map":      tuple(atom("call"), 1, atom("echo"), list(1), "options"),
		"a name that is none": tuple(atom("call"), 1, 42, list(1)),
		"too few elements":    tuple(atom("call"), 1),
	}
	everywhere(t, func(t *testing.T, via transport) {
		for name, message := range bad {
			t.Run(name, func(t *testing.T) {
				p := Start(t, via, Args("--max-running", "1"))
				p.Call(1, "sleep", 60_000)
				p.Send(message)
				m := p.Expect("fault")
				assert.EqualValues(t, 1, m.At(0))
				p.Ping()
				p.None("result")
				p.Send(atom("drain"), call(1, "echo", "while it drains"), cancel(1))
				p.Expect("fault")
				p.Failure(1, "cancelled")
				assert.Equal(t, 0, p.Wait(patience))
			})
		}
	})
}

// The ledger compares refs as bytes, so a ref that came back in another form
// would find no call.
func TestAnyTermIsARef(t *testing.T) {
	refs := map[string]any{
		"small integer":         7,
		"negative integer":      -7,
		"empty binary":          "",
		"binary":                "ref",
		"atom":                  atom("ref"),
		"undefined":             atom("undefined"),
		"float":                 -0.5,
		"nil":                   list(),
		"list":                  list(1, "two", list(3.0)),
		"tuple":                 tuple(atom("alias"), tuple(1, 2)),
		"map":                   etf.Map{{Key: "b", Value: 1}, {Key: "a", Value: list()}},
		"64 KiB":                strings.Repeat("r", 1<<16),
		"reference of 5 words":  etf.Raw("\x5a\x00\x05\x77\x0dnonode@nohost\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05"),
		"integer in a big form": etf.Raw("\x6e\x01\x00\x07"),
		"integer in four bytes": etf.Raw("\x62\x00\x00\x00\x07"),
		"atom in an old form":   etf.Raw("\x64\x00\x03ref"),
		"string of integers":    etf.Raw("\x6b\x00\x03ref"),
		"pid":                   pid,
	}
	p := Start(t, overETF)
	for name, ref := range refs {
		t.Run(name, func(t *testing.T) {
			p := p.in(t)
			p.Call(ref, "echo", "a")
			assert.Equal(t, "a", p.Value(ref))
			p.Call(ref, "no.such.function")
			p.Failure(ref, "unknown_function")
		})
	}
}

func TestRefsThatLookAlikeAreDifferent(t *testing.T) {
	p := Start(t, overETF)
	refs := []any{1, 1.0, "1", atom("1"), list(1), tuple(1), etf.Raw("\x62\x00\x00\x00\x01")}
	for _, ref := range refs {
		p.Call(ref, "sleep", 60_000)
	}
	for _, ref := range refs {
		p.Send(cancel(ref))
		p.Failure(ref, "cancelled")
	}
}

func TestPanic(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, debugging)
		p.Call("bystander", "sleep", 60_000)
		p.Call(1, "debug.panic", "boom")
		f := p.Failure(1, "panic")
		assert.Contains(t, f.Message, "boom")
		assert.Contains(t, f.Stack, ".go:", "want the handler's stack")
		p.Call(2, "echo", "the worker lives")
		assert.Equal(t, "the worker lives", p.Value(2))
		p.Send(cancel("bystander"))
		p.Failure("bystander", "cancelled")
	})
}

func TestAHandlersErrorIsFailed(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "file.digest", "/no/such/file", "sha256")
		assert.Contains(t, p.Failure(1, "failed").Message, "/no/such/file")
	})
}

func TestProgress(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "process_items", list("a", "b", "c"))
		for range 3 {
			p.expect("progress", p.of("progress", 1))
		}
		p.Value(1)
		p.None("progress")

		p.Send(callWith(options("progress", false), 2, "process_items", list("a", "b", "c")))
		p.Value(2)
		p.None("progress")
	})
}

// A result never overtakes the progress of its task: the ledger fails the test
// when progress follows a result.
func TestProgressComesBeforeItsResult(t *testing.T) {
	p := Start(t, overETF)
	items := make([]any, 100)
	for i := range items {
		items[i] = fmt.Sprint("item ", i)
	}
	for ref := range 20 {
		p.Call(ref, "process_items", items)
	}
	for ref := range 20 {
		p.Value(ref)
		for range items {
			p.expect("progress", p.of("progress", ref))
		}
	}
}

func TestAThousandSleepsAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Ping()
		began := time.Now()
		for ref := range 1000 {
			p.Call(ref, "sleep", 200)
		}
		for ref := range 1000 {
			p.Value(ref)
		}
		took := time.Since(began)
		assert.GreaterOrEqual(t, took, 200*time.Millisecond)
		assert.Less(t, took, time.Second)
	})
}

func TestALargeArgument(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		large := strings.Repeat("0123456789abcdef", 1<<16)
		p.Call(1, "echo", large)
		require.True(t, large == p.Value(1), "want the megabyte back")
	})
}
