package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/producer"
)

func newTopics() *cobra.Command {
	cmd := &cobra.Command{Use: "topics", Short: "Create topics, or add partitions to them",
		Args: cobra.NoArgs, RunE: missingCommand}
	cmd.AddCommand(newApply(), newGrow())
	return cmd
}

// complete returns the settings at path with their defaults. It prints every mistake in them; the
// error is then an exitError.
func complete(out io.Writer, path string) (producer.Config, error) {
	cfg, _, err := readFile(out, path)
	if err != nil {
		return cfg, err
	}
	return cfg.Complete()
}
