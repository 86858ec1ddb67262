package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePictureOfTheDocumentationIsThatOfItsProfile(t *testing.T) {
	traces, err := os.Open("testdata/traces.txt")
	require.NoError(t, err)
	defer traces.Close()
	var svg bytes.Buffer
	require.NoError(t, draw(traces, &svg))
	want, err := os.ReadFile("../../docs/images/profile.svg")
	require.NoError(t, err)
	assert.Equal(t, string(want), svg.String())
}

const twoSamples = `Type: cpu
-----------+-------------------------------------------------------
      task:  nightly
  function:  sum
     1.50s   main.add (inline)
             main.sum
             portworker/dispatch.(*Task).run
-----------+-------------------------------------------------------
  function:  sum
     500ms   main.sum
             portworker.register.func1
-----------+-------------------------------------------------------
      20ms   runtime.gcBgMarkWorker
`

func TestSamplesAreAddedUpByFunction(t *testing.T) {
	root, err := read(strings.NewReader(twoSamples))
	require.NoError(t, err)
	assert.Equal(t, 2020*time.Millisecond, root.time)
	require.Len(t, root.called, 2)
	sum, runtime := root.called[0], root.called[1]
	assert.Equal(t, &frame{name: "sum", time: 2 * time.Second, called: []*frame{
		{name: "main.sum", time: 2 * time.Second, called: []*frame{
			{name: "main.add", time: 1500 * time.Millisecond},
		}},
	}}, sum)
	assert.Equal(t, "the runtime", runtime.name)
	assert.Equal(t, 4, root.height())
}

func TestWhatIsNoProfileIsRefused(t *testing.T) {
	cases := map[string]struct{ input, want string }{
		"nothing":          {"", "expected what go tool pprof -traces prints"},
		"another profile":  {"-----\n  512kB   main.sum\n", "time of a sample"},
		"only the heading": {"Type: cpu\n", "expected what go tool pprof -traces prints"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.ErrorContains(t, draw(strings.NewReader(c.input), new(bytes.Buffer)), c.want)
		})
	}
}
