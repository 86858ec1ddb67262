package main

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"

	"portworker"
	"portworker/cmd/portworker/internal/localfile"
)

// digests are the algorithms of file.digest, by the names :crypto.hash/2 has for them.
var digests = map[string]func() hash.Hash{
	"crc32":  func() hash.Hash { return crc32.NewIEEE() },
	"md5":    md5.New,
	"sha1":   sha1.New,
	"sha256": sha256.New,
	"sha512": sha512.New,
}

// fileDigestResult carries the digest in lowercase hexadecimal.
type fileDigestResult struct {
	Algorithm string
	Digest    string
	Bytes     int64
}

type fileDigestProgress struct {
	Bytes int64 // read so far
	Total int64 // the size of the file when it was opened
}

// fileDigest reads a file once, in pieces, and can be cancelled between two of them.
func fileDigest(ctx context.Context, path string, wanted *word) (fileDigestResult, error) {
	name := "sha256"
	if wanted != nil {
		name = string(*wanted)
	}
	newHash, known := digests[name]
	if !known {
		names := strings.Join(slices.Sorted(maps.Keys(digests)), ", ")
		return fileDigestResult{}, badArgs("algorithm", "one of "+names, fmt.Sprintf("%q", name))
	}
	file, total, err := localfile.Open(path)
	if err != nil {
		return fileDigestResult{}, err
	}
	defer file.Close()

	digest := newHash()
	read, err := copyInSteps(ctx, digest, file, total)
	if err != nil {
		return fileDigestResult{}, fmt.Errorf("digest %s: %w", path, err)
	}
	return fileDigestResult{Algorithm: name, Digest: hex.EncodeToString(digest.Sum(nil)), Bytes: read}, nil
}

// copyInSteps reports every hundredth of the total, but not below a MiB nor above 64: often enough
// for a progress bar, and never a flood.
func copyInSteps(ctx context.Context, to io.Writer, from io.Reader, total int64) (int64, error) {
	const mib = 1 << 20
	step := min(max(mib, total/100), 64*mib)
	buffer := make([]byte, mib/4)
	var read, reported int64
	for {
		if ctx.Err() != nil {
			return read, context.Cause(ctx)
		}
		n, err := from.Read(buffer)
		to.Write(buffer[:n]) // a hash.Hash never returns an error
		read += int64(n)
		end := err == io.EOF && (read > reported || read == 0)
		if end || read-reported >= step {
			reported = read
			if err := portworker.Progress(ctx, fileDigestProgress{Bytes: read, Total: total}); err != nil {
				return read, err
			}
		}
		switch {
		case err == io.EOF:
			return read, nil
		case err != nil:
			return read, err
		}
	}
}
