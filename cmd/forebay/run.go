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
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // as shells report for a program that SIGINT ended
)

// exitError ends the command with a code; everything was printed already.
type exitError int

// Error returns the code in words.
func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run runs the command line args and returns the exit code. When ctx ends, the command gives up at
// once, even if a Read of stdin hangs; that Read is abandoned.
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
		fmt.Fprintf(stderr, "forebay: %v\nRun \"%s --help\" for usage.\n", err, cmd.CommandPath())
		return exitUsage
	}
	return exitOK
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use: "forebay",
		Short: "Send lines to Kafka, check settings, create topics, register schemas, size a " +
			"fleet",
		Version:           version(),
		SilenceErrors:     true, // run prints them, once
		SilenceUsage:      true, // a screen of flags would hide the error
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("{{.Version}}")
	root.AddCommand(newProduce(), newConfig(), newTopics(), newSchema(), newPlan(), newAudit(),
		newVersion())
	return root
}
