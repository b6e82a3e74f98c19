package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/producer"
)

const checkLong = `Check the settings of a producer: a YAML file, and the variables FOREBAY_... of the environment, which go before it.

Every mistake is printed with its file, line and column or its variable, what was found, and what to write instead.
Without mistakes all settings in force are printed, each with where it comes from: the file, a variable, or the default. Warnings
follow: settings that work, and are probably not meant.

With --probe each cluster is asked whether it would take what is sent with these settings: whether brokers can be reached,
and the topics are there, may be written to, have the copies and the retention that the flags, create_topics of the cluster or
their priority ask for, and take batches as large as these settings make. Nothing is sent and nothing is changed.

Exit codes:
  0  nothing is wrong
  1  something is
  2  the command is wrong`

// environ returns the environment. Tests have another one.
var environ = os.Environ

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Look at the settings of a producer",
		Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			return errors.New("name one of its commands")
		}}
	cmd.AddCommand(newCheck())
	return cmd
}

func newCheck() *cobra.Command {
	var probed bool
	var topics []string
	var choices admin.Choices
	cmd := &cobra.Command{
		Use:   "check [flags] file",
		Short: "Find all mistakes in a file of settings, or show what it comes to",
		Long:  checkLong,
		Example: "  forebay config check forebay.yaml\n  FOREBAY_BUFFER_MAX_BYTES=256MiB " +
			"forebay config check forebay.yaml",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, flag := range []string{"topic", "replication-factor", "retention"} {
				if cmd.Flags().Changed(flag) && !probed {
					return fmt.Errorf("--%s requires --probe", flag)
				}
			}
			cfg, err := check(cmd, args[0])
			if err != nil || !probed {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout())
			wrong, err := probe(cmd.Context(), cmd.OutOrStdout(), cfg, topics, choices)
			if err == nil && wrong > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "\n%s wrong\n", plural(wrong, "thing"))
				err = exitError(exitUndelivered)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&probed, "probe", false,
		"ask each cluster whether it takes what these settings send")
	registerShape(cmd.Flags(), &choices)
	cmd.Flags().StringSliceVar(&topics, "topic", nil,
		"ask for this `topic`[,topic...] too, beside those that the settings name")
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// oneFile wants the name of one file.
func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d files: write the name of one", len(args))
	}
	return nil
}

// check prints what is wrong with the settings at path, or what they are. If they are wrong the
// error is an exitError.
func check(cmd *cobra.Command, path string) (producer.Config, error) {
	out := cmd.OutOrStdout()
	cfg, origins, err := config.Load(path, config.WithEnviron(environ()...))
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		printMistakes(out, path, wrong)
		return cfg, exitError(exitUndelivered)
	}
	settings, err := config.Effective(cfg, origins)
	if err != nil {
		return cfg, err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tFROM")
	for _, s := range settings {
		fmt.Fprintf(table, "%s\t%s\t%v\n", s.Field, s.Value, s.Origin)
	}
	if err := table.Flush(); err != nil {
		return cfg, err
	}
	fmt.Fprintf(out, "\nno mistakes in %s\n", path)
	for _, w := range config.Warnings(cfg, origins) {
		fmt.Fprintf(out, "warning: %v\n", w)
	}
	return cfg, nil
}

// printMistakes prints all that is wrong with the settings at path.
func printMistakes(out io.Writer, path string, wrong *config.Error) {
	for _, m := range wrong.Mistakes {
		fmt.Fprintln(out, m)
	}
	fmt.Fprintf(out, "\n%s in %s\n", plural(len(wrong.Mistakes), "mistake"), path)
}

// plural returns "1 mistake" or "2 mistakes".
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
