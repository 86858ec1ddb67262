// Command pgo takes the paths of files out of a profile, from stdin to stdout: what the compiler goes by are
// functions and lines, and the machine it was taken on is nobody's business.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pgo:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	packed, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	profile, err := io.ReadAll(packed)
	if err != nil {
		return err
	}
	if profile, err = withoutPaths(profile); err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(profile); err != nil {
		return err
	}
	return z.Close()
}

// Of https://github.com/google/pprof/blob/main/proto/profile.proto.
const (
	bytesField  = 2 // the wire type of what has a length
	stringTable = 6 // the field of the profile that holds every string in it
)

var errProfile = errors.New("not a profile: expected the protocol buffer of pprof, compressed")

// withoutPaths empties the strings of a profile that are absolute paths. They keep their places, by which
// the rest refers to them.
func withoutPaths(profile []byte) ([]byte, error) {
	var kept []byte
	for len(profile) > 0 {
		tag, n := binary.Uvarint(profile)
		size, m := binary.Uvarint(profile[max(n, 0):])
		if n <= 0 || m <= 0 {
			return nil, errProfile
		}
		end := n + m
		if tag&7 == bytesField {
			if size > uint64(len(profile)-end) {
				return nil, errProfile
			}
			end += int(size)
		} else if tag&7 != 0 {
			return nil, errProfile
		}
		if text := profile[n+m : end]; tag>>3 == stringTable && bytes.HasPrefix(text, []byte("/")) {
			kept = append(binary.AppendUvarint(kept, tag), 0)
		} else {
			kept = append(kept, profile[:end]...)
		}
		profile = profile[end:]
	}
	return kept, nil
}
