package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// completionCommand writes what lets a shell complete commands, flags and names of functions.
func (h Host) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Write a script that lets a shell complete this program's commands",
		Long:  "Writes a script for the shell, which completes commands, flags, and the names of functions after call and describe.",
		Example: "  source <(" + h.Name + " completion bash)\n" +
			"  " + h.Name + " completion zsh > \"${fpath[1]}/_" + h.Name + "\"\n" +
			"  " + h.Name + " completion fish > ~/.config/fish/completions/" + h.Name + ".fish",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return fails(root.GenBashCompletionV2(out, true))
			case "zsh":
				return fails(root.GenZshCompletion(out))
			}
			return fails(root.GenFishCompletion(out, true))
		},
	}
}

// completeNames completes the name of a function, which is the first argument.
func (h Host) completeNames(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	w, err := h.Ready(h.Flags())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []cobra.Completion
	for _, f := range w.Functions {
		if strings.HasPrefix(f.Name, begun) {
			names = append(names, cobra.CompletionWithDesc(f.Name, fmt.Sprintf("%s: %s", f.Kind, firstSentence(f.Doc))))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
