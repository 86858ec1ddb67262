package main

import (
	"context"
	"strings"

	"portworker"
)

func main() {
	w := portworker.New(portworker.Config{Name: "hello"})
	portworker.Handle(w, "shout", func(ctx context.Context, text string) (string, error) {
		return strings.ToUpper(text) + "!", nil
	})
	portworker.Main(w)
}
