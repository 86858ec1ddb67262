package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"portworker"
	"portworker/etf"
)

func TestAShortCallIsOneWithTheOptionsThatWereKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t, portworker.Limits{})
		assert.Equal(t, true, field(t, f.hello(options()), "short_calls"))
		f.Send(etf.Tuple{atom("call"), int64(1), "echo", []any{"x"}, options("timeout", int64(700), "owner", "me", "keep", int64(9))})
		assert.Equal(t, "x", f.Await(int64(1)).Value)

		begun := time.Now()
		f.Send(etf.Tuple{int64(2), "wait", []any{"late"}, int64(9)})
		f.fails(int64(2), portworker.Timeout)
		assert.Equal(t, 700*time.Millisecond, time.Since(begun))

		f.Send(etf.Tuple{int64(3), "wait", []any{"owned"}, int64(9)})
		<-f.started
		<-f.started
		f.Send(etf.Tuple{atom("owner_down"), "me"})
		f.fails(int64(3), portworker.Cancelled)
		f.Send(etf.Tuple{int64(4), "echo", []any{"x"}, int64(9)})
		assert.Equal(t, "bad_message", string(f.Await(int64(4)).Err.Reason))
	})
}
