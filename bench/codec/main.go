// Command codec measures etf beside erlang_go, MessagePack, encoding/json and OTP's own functions, on the same terms
// and in turn, and prints medians and ratios. bench/codec/run builds and starts it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 15, "how often everything is measured")
	slice := flag.Duration("slice", 15*time.Millisecond, "how long one measurement takes, about")
	script := flag.String("otp", "bench/codec/otp.escript", "the script that measures OTP")
	flag.Parse()
	if err := run(*script, *rounds, *slice); err != nil {
		fmt.Fprintln(os.Stderr, "codec:", err)
		os.Exit(1)
	}
}

func run(script string, rounds int, slice time.Duration) error {
	if rounds < 1 || slice <= 0 {
		return fmt.Errorf("%d rounds of %v, expected at least one round of some time", rounds, slice)
	}
	all, err := subjects()
	if err != nil {
		return err
	}
	peer, err := startOTP(script, all)
	if err != nil {
		return err
	}
	list := figures(all, peer)
	if err := errors.Join(measure(list, rounds, slice), peer.stop()); err != nil {
		return err
	}
	report(os.Stdout, all, list)
	return nil
}
