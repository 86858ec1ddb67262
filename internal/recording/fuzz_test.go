package recording

import (
	"bytes"
	"testing"

	"portworker/etf"
	"portworker/internal/wire"
)

// FuzzLoad makes a session of whatever comes after a recording's header.
func FuzzLoad(f *testing.F) {
	header, err := etf.Marshal(etf.Tuple{etf.Atom(magic), version, etf.Map{}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(wire.Frame([]byte{etf.Version, 106})) // the empty list
	for _, kind := range []string{fromClient, fromWorker, clientClosed, exited, signalled} {
		for _, what := range []any{"\x83j", "\x93\xa4call\x01\xa1f", int64(5), string(header)} {
			record, err := etf.Marshal(etf.Tuple{etf.Atom(kind), int64(1), what})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(wire.Frame(record))
		}
	}
	f.Fuzz(func(t *testing.T, rest []byte) {
		s, err := load(bytes.NewReader(append(wire.Frame(header), rest...)), []string{"f"})
		if err == nil && len(s.steps) > len(s.events) {
			t.Fatal("more steps than events")
		}
	})
}
