package test

import (
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Rule 12. That no element comes that was not credited, and none after the result, the
// ledger checks in every scenario; here are those that try it.

func TestAStreamWaitsForCredit(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "range", 1, 10)
		p.Ping()
		p.until("running", func(n int64) bool { return n >= 1 })
		p.None("data") // the first credit is 0
		p.Send(credit(1, 3))
		assert.Equal(t, counts(1, 4), p.Elements(1, 3))
		p.Ping()
		p.None("data")
		p.None("result")
		p.Send(credit(1, 100))
		assert.Equal(t, counts(4, 11), p.Ended(1))
	})
}

func TestAStreamIsCreditedByItsCall(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("credit", 4), 1, "fibonacci", 5))
		assert.Equal(t, list(int64(0), int64(1), int64(1), int64(2)), p.Elements(1, 4))
		p.Ping()
		p.None("result") // the fifth element is not sent yet
		p.Send(credit(1, 1))
		assert.Equal(t, counts(3, 4), p.Ended(1))
	})
}

// A stream ends without credit when it has nothing to send.
func TestAnEmptyStreamNeedsNoCredit(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call("empty", "fibonacci", 0)
		assert.Empty(t, p.Ended("empty"))
		p.Call("refused", "fibonacci", -1)
		assert.Empty(t, p.Broken("refused", "bad_args"))
		p.Call("of the wrong type", "fibonacci", "many")
		assert.Empty(t, p.Broken("of the wrong type", "bad_args"))
		p.Send(callWith(options("credit", 5), "just enough", "fibonacci", 5))
		assert.Len(t, p.Ended("just enough"), 5)
	})
}

func TestCreditInManySmallGrants(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		const elements = 5000
		p.Call(1, "range", 1, elements)
		batch := make([]any, 0, elements)
		for range elements {
			batch = append(batch, credit(1, 1))
		}
		p.Send(batch[:elements/2]...)
		p.Batch(batch[elements/2:]...)
		assert.Equal(t, counts(1, elements+1), p.Ended(1))
	})
}

// Grants that add up to more than any counter holds are endless credit and not none.
func TestCreditInHugeGrants(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("credit", int64(math.MaxInt64)), 1, "range", 1, 1000))
		p.Send(credit(1, int64(math.MaxInt64)), credit(1, int64(math.MaxInt64)), credit(1, 1), credit(1, int64(1)<<62))
		assert.Equal(t, counts(1, 1001), p.Ended(1))
		p.Call(2, "range", 1, 1000)
		for range 5 {
			p.Send(credit(2, int64(math.MaxInt64)))
		}
		assert.Equal(t, counts(1, 1001), p.Ended(2))
	})
}

// No amount that makes no sense is taken for credit.
func TestCreditThatIsNone(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "range", 1, 10)
		for _, n := range []any{0, -1, int64(math.MinInt64), 1.5, "3", atom("infinity"), list(), nil} {
			p.Send(credit(1, n))
			p.Fault("bad_message")
		}
		p.Ping()
		p.None("data")
		p.Send(credit(1, 10))
		assert.Equal(t, counts(1, 11), p.Ended(1))
		for ref, first := range []any{-1, 1.5, "3", atom("all")} {
			p.Send(callWith(options("credit", first), ref, "range", 1, 10))
			p.Failure(ref, "bad_message")
		}
	})
}

// An amount past every integer of the machine is refused or is endless, and either
// way harms nothing.
func TestCreditBeyondIntegers(t *testing.T) {
	p := Start(t, overETF, Faulty())
	p.Call(1, "range", 1, 100)
	p.Send(credit(1, new(big.Int).Lsh(big.NewInt(1), 100)))
	p.Ping()
	p.Send(credit(1, 100))
	assert.Equal(t, counts(1, 101), p.Ended(1))
}

// Credit that comes too late, or for nothing, or for a function, is nobody's mistake.
func TestCreditForNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(credit("never was", 5))
		p.Call(1, "range", 1, 3)
		p.Send(credit(1, 3))
		p.Ended(1)
		p.Send(credit(1, 5), credit(1, int64(math.MaxInt64)))
		p.Call(2, "sleep", 60_000)
		p.Send(credit(2, 5), cancel(2))
		p.Failure(2, "cancelled")
		p.Ping()
		p.None("fault")

		p.Call(1, "range", 1, 10) // what came for the ref before is not this task's
		p.Ping()
		p.until("running", func(n int64) bool { return n >= 1 })
		p.None("data")
		p.Send(credit(1, 10))
		assert.Equal(t, counts(1, 11), p.Ended(1))
	})
}

func TestCancelOfAStream(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call("without credit", "fibonacci")
		p.Send(callWith(options("credit", 5), "with some", "fibonacci"))
		p.Elements("with some", 5)
		p.Send(callWith(options("credit", int64(math.MaxInt64)), "with all", "range", 1, int64(math.MaxInt64)))
		for _, ref := range []string{"without credit", "with some", "with all"} {
			p.Send(cancel(ref), credit(ref, 1000))
			p.Broken(ref, "cancelled")
			p.Send(credit(ref, 1000))
		}
		p.Batch(call("in one batch", "fibonacci"), credit("in one batch", 3), cancel("in one batch"), credit("in one batch", 3))
		assert.LessOrEqual(t, len(p.Broken("in one batch", "cancelled")), 3)
		p.Ping()
		p.None("fault")
	})
}

// Each cancel and each credit races the stream that it is for.
func TestCreditAndCancelRaceAStream(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		const streams = 1000
		for ref := range streams {
			p.Send(callWith(options("credit", ref%4), ref, "range", 1, 5), credit(ref, 1+ref%3), cancel(ref), credit(ref, 2))
		}
		for ref := range streams {
			elements, failed := p.Rest(ref)
			if failed != nil {
				require.Equal(t, "cancelled", failed.Reason)
			}
			require.Equal(t, counts(1, 1+len(elements)), append(list(), elements...))
			require.LessOrEqual(t, len(elements), ref%4+1+ref%3+2)
		}
	})
}

func TestTimeoutOfAStream(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("timeout", 100), "without credit", "fibonacci"))
		p.Send(callWith(options("timeout", 100, "credit", 3), "with some", "fibonacci"))
		p.Send(callWith(options("timeout", 100, "credit", 1<<40), "busy", "range", 1, int64(math.MaxInt64)))
		assert.Empty(t, p.Broken("without credit", "timeout"))
		assert.Len(t, p.Broken("with some", "timeout"), 3)
		p.Broken("busy", "timeout")
		p.Send(credit("without credit", 5), credit("with some", 5))
		p.Ping()
		p.None("data")
	})
}

func TestOwnerDownEndsStreams(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		for ref := range 20 {
			p.Send(callWith(options("owner", "us", "credit", ref), ref, "fibonacci"))
		}
		p.Send(callWith(options("owner", "another", "credit", 1), "theirs", "fibonacci"))
		for ref := range 20 {
			p.Elements(ref, ref)
		}
		p.Send(ownerDown("us"))
		for ref := range 20 {
			p.Send(credit(ref, 10))
			p.Broken(ref, "cancelled")
		}
		p.Elements("theirs", 1)
		p.Send(cancel("theirs"))
		p.Broken("theirs", "cancelled")
	})
}

// A generator that fails, panics or has something to say that is no term says first
// what it had before.
func TestAGeneratorThatFails(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		for name, reason := range map[string]string{"stream.fails": "failed", "stream.panics": "panic"} {
			p.Send(callWith(options("credit", 10), name, name, 7))
			elements, failed := p.Rest(name)
			assert.Equal(t, counts(0, 7), elements)
			require.NotNil(t, failed)
			assert.Equal(t, reason, failed.Reason)
			assert.Contains(t, failed.Message, "no more where these came from")

			p.Send(callWith(options("credit", 3), name, name, 7)) // it stays where it waits
			p.Elements(name, 3)
			p.Ping()
			p.None("result")
			p.Send(credit(name, 4))
			assert.Len(t, p.Broken(name, reason), 4)
		}
		p.Send(callWith(options("credit", 5), "awkward", "stream.awkward", 5))
		assert.Equal(t, counts(0, 5), p.Ended("awkward")) // what is not sent costs no credit
	})
}

// However many goroutines send, credit is shared, and nothing follows the result.
func TestACrowdSharesTheCredit(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		p.Call("crowd", "stream.crowd", 16)
		for n := 1; n <= 1000; n *= 10 {
			p.Send(credit("crowd", n))
			p.Elements("crowd", n)
		}
		p.Send(credit("crowd", 50), cancel("crowd"), credit("crowd", 50))
		p.Broken("crowd", "cancelled")
		for ref := range 100 {
			p.Send(callWith(options("credit", 1000), ref, "stream.leaver", 4))
		}
		for ref := range 100 {
			assert.Contains(t, p.Ended(ref), int64(-1))
		}
		p.Send(callWith(options("credit", 1000), "insistent", "stream.insistent"), cancel("insistent"))
		assert.Empty(t, p.Broken("insistent", "cancelled"))
	})
}

func TestElementsAndProgressKeepTheirOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via, fixture(t))
		const elements = 500
		p.Send(callWith(options("credit", elements), 1, "stream.reports", elements))
		said := 0
		for range elements {
			m := p.expect("progress or data", func(m Message) bool { return m.Tag == "progress" || m.Tag == "data" })
			require.Equal(t, "progress", m.Tag)
			require.EqualValues(t, said, m.At(1))
			m = p.expect("progress or data", func(m Message) bool { return m.Tag == "progress" || m.Tag == "data" })
			require.Equal(t, "data", m.Tag)
			require.Equal(t, counts(said, said+1), p.elementsOf(m))
			said++
		}
		assert.Empty(t, p.Ended(1))
	})
}

// A small element that waits to be written shares no fate with a large one behind it.
func TestSmallAndLargeElements(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		for _, large := range []int{20_000, 1_100_000} {
			t.Run(fmt.Sprint(large), func(t *testing.T) {
				p := Start(t, via, fixture(t))
				p.Send(callWith(options("credit", 20), 1, "stream.mixed", 20, 10, large))
				for i, element := range p.Ended(1) {
					require.Len(t, element, []int{10, large}[i%2])
				}
			})
		}
	})
}

func TestADuplicateOfALiveStream(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("credit", 2), 1, "range", 1, 10))
		p.Elements(1, 2)
		p.Send(callWith(options("credit", 100), 1, "range", 1, 10))
		p.Fault("duplicate_ref")
		p.Ping()
		p.None("data")
		p.Send(credit(1, 8))
		assert.Equal(t, counts(3, 11), p.Ended(1))
	})
}

// Streams that nobody asks anything of do not hold up the end.
func TestTheEndOfInputEndsStreams(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		for ref := range 500 {
			p.Send(callWith(options("credit", ref%3), ref, "fibonacci"))
		}
		p.Ping()
		p.CloseStdin()
		require.Equal(t, 0, p.Wait(patience))
		for ref := range 500 {
			p.Broken(ref, "cancelled")
		}
	})
}

func TestADrainLetsAStreamFinish(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Call(1, "range", 1, 100)
		p.Send(atom("drain"), call(2, "range", 1, 2))
		p.Failure(2, "draining")
		p.Send(credit(1, 60))
		p.Elements(1, 60)
		p.Send(credit(1, 60))
		assert.Equal(t, counts(61, 101), p.Ended(1))
		assert.Equal(t, 0, p.Wait(patience))
	})
}

// The streams of the binary, of which some read files.

func TestStreamsOfFiles(t *testing.T) {
	dir := t.TempDir()
	lines := filepath.Join(dir, "lines.csv")
	require.NoError(t, os.WriteFile(lines, []byte("name,size\n\"a,b\",1\nc,2\n"), 0o600))
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("credit", 9), "lines", "file.lines", lines))
		assert.Equal(t, list("name,size", `"a,b",1`, "c,2"), p.Ended("lines"))
		p.Send(callWith(options("credit", 9), "rows", "csv.rows", lines))
		assert.Equal(t, list(list("name", "size"), list("a,b", "1"), list("c", "2")), p.Ended("rows"))
		p.Send(callWith(options("credit", 9), "maps", "csv.rows", lines, options("header", true)))
		assert.Equal(t, map[string]any{"name": "a,b", "size": "1"}, p.Ended("maps")[0])
		p.Send(callWith(options("credit", 9), "matches", "file.grep.stream", "c,", dir))
		assert.Contains(t, text(p.Ended("matches")), "lines.csv")
		p.Send(callWith(options("credit", 9), "no file", "file.lines", filepath.Join(dir, "none")))
		assert.Empty(t, p.Broken("no file", "failed"))

		p.Send(callWith(options("credit", 1), "half read", "file.lines", lines))
		p.Elements("half read", 1)
		p.Send(cancel("half read"))
		p.Broken("half read", "cancelled")
		assert.NotContains(t, strings.Join(descriptors(t, p.Pid()), " "), "lines.csv", "a file of a stream that was stopped")
	})
}

func TestMonitor(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		p := Start(t, via)
		p.Send(callWith(options("credit", 2), 1, "monitor", 10))
		for _, sample := range p.Elements(1, 2) {
			values, ok := sample.(map[string]any)
			require.True(t, ok, "want a map, got %v", sample)
			assert.Positive(t, values["goroutines"])
		}
		p.Send(cancel(1))
		p.Broken(1, "cancelled")
	})
}

func TestHelloTellsStreamsAndChannels(t *testing.T) {
	everywhere(t, func(t *testing.T, via transport) {
		functions := functionsByName(t, Start(t, via).Hello()["functions"])
		for kind, names := range map[string][]string{
			"stream":  {"fibonacci", "range", "monitor", "file.lines", "csv.rows", "file.grep.stream"},
			"channel": {"compress", "decompress", "stateful_worker"},
		} {
			for _, name := range names {
				f := functions[name]
				require.NotNil(t, f, "no %s in %v", name, functions)
				assert.Equal(t, kind, f["kind"], name)
				assert.Contains(t, f, "result", name)
				assert.NotEmpty(t, f["doc"], name)
			}
		}
	})
}
