package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/producer"
)

const applyLong = `Create the topics that a settings file names, in the cluster of their priority
and in its fallbacks. Existing topics are not changed: the command prints how they differ, so it
may be run again. A pattern in the settings creates no topic: name such topics with --topic.

The flags set the replicas, the partitions and the retention of new topics. Without a flag,
create_topics of the cluster does (replication_factor, partitions, configs), whether it is enabled
or not. Without either, the priority does:

  low     2 replicas, retention 2 h
  medium  2 replicas, retention 4 h
  high    3 replicas, retention 24 h

A cluster of one broker gets one replica where only the priority asks for more.

Each flag takes one value for all topics, and others for some, by name or pattern:

  --replication-factor 2,plays=3 --partitions 6,'log.*=1' --retention 24h,audit=forever

Exit codes:
  0  every topic exists
  1  some topic could not be created, or the settings are wrong
  2  the command line is wrong`

func newApply() *cobra.Command {
	var more []string
	var choices admin.Choices
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "apply [flags] file",
		Short: "Create the topics that a settings file names",
		Long:  applyLong,
		Example: "  forebay topics apply --dry-run forebay.yaml\n" +
			"  forebay topics apply forebay.yaml",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := complete(cmd.OutOrStdout(), args[0])
			if err != nil {
				return err
			}
			return apply(cmd.Context(), cmd.OutOrStdout(), cfg, more, choices, dryRun)
		},
	}
	cmd.Flags().StringSliceVar(&more, "topic", nil,
		"also create this `topic`[,topic...], with the priority that the settings give it")
	registerPartitions(cmd.Flags(), &choices)
	registerShape(cmd.Flags(), &choices)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false,
		"create nothing; only ask the brokers whether they would")
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// apply creates the topics in every cluster and prints a line for each.
func apply(ctx context.Context, out io.Writer, cfg producer.Config, more []string,
	choices admin.Choices, dryRun bool) error {
	wanted, err := admin.Topics(cfg, more...)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	failed := false
	for _, name := range slices.Sorted(maps.Keys(cfg.Clusters)) {
		verdicts := admin.Apply(ctx, cfg, name, wanted, choices, dryRun)
		failed = printVerdicts(table, verdicts) > 0 || failed
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if failed {
		return exitError(exitFailed)
	}
	return nil
}
