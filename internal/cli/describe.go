package cli

import (
	"fmt"
	"io"

	"portworker/etf"
)

// Describe writes the map of the worker's hello to out: one term in the External Term Format, the
// version byte first and no length, as binary_to_term/1 reads it.
func Describe(w Worker, out io.Writer) error {
	c := dial(w)
	hello, err := c.hello()
	if err == nil {
		_, err = out.Write(append([]byte{etf.Version}, hello...))
	}
	if closed := c.close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("describe: %w", err)
	}
	return nil
}
