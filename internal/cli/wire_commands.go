package cli

import (
	"os"

	"github.com/spf13/cobra"

	"portworker/internal/termtext"
)

func (h Host) encodeCommand() *cobra.Command {
	var json, msgpack, drain bool
	cmd := &cobra.Command{
		Use:   "encode",
		Short: "Write terms from standard input as packets",
		Long: `Writes each term from standard input to standard output as a packet, as soon as it is there.

Terms are in the syntax of Erlang or Elixir, one after another; a full stop may follow each. % and #
begin comments. A message's ref may be any term.

The end of input stops a worker, and cancels what still runs. End with drain, or give --drain, to
let it finish.`,
		Example: `  printf '{call, 1, <<"echo">>, [<<"hi">>]}.' | ` + h.Name + ` encode --drain | ` + h.Name + ` | ` + h.Name + ` decode
  printf '["call", 1, "upcase", ["hi"]]' | ` + h.Name + ` encode --json --drain | ` + h.Name + ` | ` + h.Name + ` decode --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			e := Encoding{MessagePack: msgpack}
			if json {
				e.Syntax = termtext.JSON
			}
			return fails(Encode(os.Stdin, os.Stdout, e, drain))
		},
	}
	cmd.Flags().BoolVar(&json, "json", false, "read JSON values: arrays are messages, an array of arrays is a batch")
	cmd.Flags().BoolVar(&msgpack, "msgpack", false, "write MessagePack packets")
	cmd.Flags().BoolVar(&drain, "drain", false, "end with the message drain")
	return cmd
}

func (h Host) decodeCommand() *cobra.Command {
	var syntax syntaxFlag
	var msgpack bool
	cmd := &cobra.Command{
		Use:   "decode",
		Short: "Write packets from standard input as terms",
		Long: `Writes the messages of each packet on standard input to standard output, one per line, as soon as they are there.
The messages of a batch are lines of their own.

A line is what encode reads as the same message; with --json, as far as JSON has a form for it.`,
		Example: `  printf '{call, 1, <<"range">>, [1, 3], #{credit => 9}}.' | ` + h.Name + ` encode --drain | ` + h.Name + ` | ` + h.Name + ` decode --erlang`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return fails(Decode(os.Stdin, os.Stdout, Encoding{Syntax: syntax.syntax(), MessagePack: msgpack}))
		},
	}
	syntax.add(cmd.Flags(), "write JSON")
	syntax.exclusive(cmd)
	cmd.Flags().BoolVar(&msgpack, "msgpack", false, "read MessagePack packets")
	return cmd
}
