package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK          = 0
	exitUndelivered = 1
	exitUsage       = 2
	exitInterrupted = 130 // what shells report of a program that SIGINT ended
)

// exitError ends the command with a code, when all there is to say has been said.
type exitError int

// Error returns the code in words.
func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run runs the command line args and returns the exit code. When ctx ends, the command gives up at
// once. Whatever stdin does, run returns; a Read of stdin that hangs is then left behind.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if code, ok := errors.AsType[exitError](err); ok {
		return int(code)
	}
	if err != nil {
		fmt.Fprintf(stderr, "forebay: %v\nRun \"%s --help\" for what can be written.\n", err,
			cmd.CommandPath())
		return exitUsage
	}
	return exitOK
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:               "forebay",
		Short:             "Send events to Kafka without waiting for it",
		Version:           version(),
		SilenceErrors:     true, // run says them, once
		SilenceUsage:      true, // a screen of flags hides the error above it
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("{{.Version}}")
	root.AddCommand(newProduce(), newConfig(), newTopics(), newVersion())
	return root
}
