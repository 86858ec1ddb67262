package main

import (
	"context"
	"log/slog"

	"portworker"
)

func registerLogs(w *portworker.Worker) {
	portworker.Handle(w, "log", func(ctx context.Context, path []byte) (any, error) {
		slog.WarnContext(ctx, "disk full", "path", string(path), slog.Group("disk", "free", 0), "ratio", 0.5, "ok", true)
		return nil, nil
	})
}
