package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"portworker"
	"portworker/etf"
)

// itemProgress follows each item.
type itemProgress struct {
	Done  int
	Total int
	Item  etf.Raw
}

// itemSummary is what all items come to.
type itemSummary struct {
	Items   int
	Bytes   int64
	Digests []string // one for each item, in their order
}

// processItems digests each item: the bytes of a binary, the external term format of anything
// else. It reports each as it is done, which the caller sees while the rest is still to come.
func processItems(ctx context.Context, items []etf.Raw) (itemSummary, error) {
	summary := itemSummary{Items: len(items), Digests: make([]string, 0, len(items))}
	for i, item := range items {
		if ctx.Err() != nil {
			return itemSummary{}, context.Cause(ctx)
		}
		content, _, isBinary := etf.ReadBinary(item)
		if !isBinary {
			content = item
		}
		digest := sha256.Sum256(content)
		summary.Digests = append(summary.Digests, hex.EncodeToString(digest[:]))
		summary.Bytes += int64(len(content))
		if err := portworker.Progress(ctx, itemProgress{Done: i + 1, Total: len(items), Item: item}); err != nil {
			return itemSummary{}, err
		}
	}
	return summary, nil
}
