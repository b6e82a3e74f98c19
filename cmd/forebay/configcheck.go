package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/producer"
)

const checkLong = `Check the settings of a producer: a YAML file, and the FOREBAY_... environment
variables, which override it.

Every mistake is printed: where it is (file, line and column, or variable), what was found, and
what to write instead. If there is none, the command prints every setting in force and where it
comes from (the file, a variable, or the default), and then warnings: settings that work but are
probably not what you want.

With --probe the command also connects to each cluster and checks that these settings work there:

  - its brokers can be reached;
  - the topics exist or can be created, and the user may write to them;
  - the topics have enough replicas, of which enough are in sync, and the wanted retention;
  - the topics accept batches as large as these settings allow.

A probe sends no record, and creates and changes no topic. It asks all clusters at the same time.
The wanted replicas and retention come from the flags, else from create_topics of the cluster, else
from the priority of the topic.

Exit codes:
  0  nothing is wrong
  1  something is wrong
  2  the command line is wrong`

func newConfig() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "Check the settings of a producer",
		Args: cobra.NoArgs, RunE: missingCommand}
	cmd.AddCommand(newCheck())
	return cmd
}

func newCheck() *cobra.Command {
	var probed bool
	var topics []string
	var choices admin.Choices
	cmd := &cobra.Command{
		Use:   "check [flags] file",
		Short: "Print every mistake in a settings file, or every setting in force",
		Long:  checkLong,
		Example: "  forebay config check forebay.yaml\n  FOREBAY_BUFFER_MAX_BYTES=256MiB " +
			"forebay config check forebay.yaml\n  forebay config check --probe forebay.yaml",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, flag := range []string{"topic", "replication-factor", "retention"} {
				if cmd.Flags().Changed(flag) && !probed {
					return fmt.Errorf("--%s requires --probe", flag)
				}
			}
			cfg, err := check(cmd.OutOrStdout(), args[0])
			if err != nil || !probed {
				return err
			}
			return checkClusters(cmd, cfg, topics, choices)
		},
	}
	cmd.Flags().BoolVar(&probed, "probe", false,
		"also connect to each cluster and check that these settings work there")
	registerShape(cmd.Flags(), &choices)
	cmd.Flags().StringSliceVar(&topics, "topic", nil,
		"also check this `topic`[,topic...], beside those in the settings")
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// oneFile accepts the name of one file.
func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d file names given: name one settings file", len(args))
	}
	return nil
}

// missingCommand is what a command does that only groups others.
func missingCommand(cmd *cobra.Command, _ []string) error {
	return fmt.Errorf("no command after %q: name one", cmd.Name())
}

// check prints the mistakes in the settings at path, or else the settings and the warnings about
// them. The error is an exitError if there are mistakes.
func check(out io.Writer, path string) (producer.Config, error) {
	cfg, origins, err := readFile(out, path)
	if err != nil {
		return cfg, err
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

// checkClusters prints what a probe of the clusters finds. The error is an exitError if something
// is wrong.
func checkClusters(cmd *cobra.Command, cfg producer.Config, topics []string,
	choices admin.Choices) error {
	out := cmd.OutOrStdout()
	fmt.Fprintln(out)
	wrong, err := probe(cmd.Context(), out, cfg, topics, choices)
	if err != nil || wrong == 0 {
		return err
	}
	fmt.Fprintf(out, "\n%s found\n", plural(wrong, "problem"))
	return exitError(exitFailed)
}
