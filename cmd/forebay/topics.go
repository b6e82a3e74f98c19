package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/producer"
)

const applyLong = `Create the topics that a file of settings names, in the cluster of their priority and in its fallbacks.

Flags decide how many copies and partitions a topic gets, and how long it keeps records. What no flag says comes from create_topics of
the cluster (replication_factor, partitions, configs), which need not be enabled for that. What is not set there either depends on the
priority, but a cluster of one broker then gets one copy:

  low     2 copies, kept for 2 h
  medium  2 copies, kept for 4 h
  high    3 copies, kept for 24 h

Each flag takes one value for all topics, and others for some of them, by name or pattern:

  --replication-factor 2,plays=3 --partitions 6,'log.*=1' --retention 24h,audit=forever

Existing topics are not changed: the command says where they differ, and may be run again. A pattern in the settings creates no
topic: name such topics with --topic.

Exit codes:
  0  all topics are there
  1  some are not, or the settings are wrong
  2  the command is wrong`

const growLong = `Add partitions to many topics at once, on the brokers that were added to a cluster.

Each topic gets --add more. They are led in turn by the brokers of --on, or without that by those that hold nothing yet, and so are
their copies as far as those are enough. The plan is printed; with --dry-run the brokers are only asked whether they agree.

Records with a key go to the partition of their key, so a key may go to another one afterwards: its order is kept on either side.

Exit codes:
  0  all topics have grown
  1  some have not, or the settings are wrong
  2  the command is wrong`

func newTopics() *cobra.Command {
	cmd := &cobra.Command{Use: "topics", Short: "Create topics, and add partitions to them",
		Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
			return errors.New("name one of its commands")
		}}
	cmd.AddCommand(newApply(), newGrow())
	return cmd
}

func newApply() *cobra.Command {
	var more []string
	var choices admin.Choices
	var dryRun bool
	cmd := &cobra.Command{
		Use: "apply [flags] file", Short: "Create the topics of a file of " +
			"settings", Long: applyLong, Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := complete(cmd.OutOrStdout(), args[0])
			if err != nil {
				return err
			}
			return apply(cmd.Context(), cmd.OutOrStdout(), cfg, more, choices, dryRun)
		},
	}
	cmd.Flags().StringSliceVar(&more, "topic", nil,
		"make this `topic`[,topic...] too, of the priority that the settings give it")
	registerPartitions(cmd.Flags(), &choices)
	registerShape(cmd.Flags(), &choices)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only ask the brokers whether they would")
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// complete returns the settings at path with their defaults. If they are wrong it prints that, and
// the error is an exitError.
func complete(out io.Writer, path string) (producer.Config, error) {
	cfg, _, err := config.Load(path, config.WithEnviron(environ()...))
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		printMistakes(out, path, wrong)
		return cfg, exitError(exitUndelivered)
	}
	return cfg.Complete()
}

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
		return exitError(exitUndelivered)
	}
	return nil
}

func newGrow() *cobra.Command {
	var g admin.Growth
	cmd := &cobra.Command{
		Use: "grow --topic name[,...] --add n [flags] file", Short: "Add partitions to topics, " +
			"on brokers that were added", Long: growLong, Args: oneFile,
		Example: "  forebay topics grow --cluster high --topic 'playback.*' --add 6 --on 4,5,6 " +
			"--dry-run forebay.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(g.Topics) == 0 || g.Add < 1 {
				return errors.New("--topic and --add: write which topics, and how many " +
					"partitions each of them gets")
			}
			out := cmd.OutOrStdout()
			cfg, err := complete(out, args[0])
			if err != nil {
				return err
			}
			names := slices.Sorted(maps.Keys(cfg.Clusters))
			if g.Cluster == "" && len(names) == 1 {
				g.Cluster = names[0]
			}
			if !slices.Contains(names, g.Cluster) {
				return fmt.Errorf("--cluster: there is no cluster %q: write one of %s", g.Cluster,
					strings.Join(names, ", "))
			}
			return grow(cmd.Context(), out, cfg, g)
		},
	}
	cmd.Flags().StringVar(&g.Cluster, "cluster", "",
		"the `name` of the cluster in the settings, if there are several")
	cmd.Flags().StringSliceVar(&g.Topics, "topic", nil,
		"the `topic`[,topic...], by name or by pattern such as 'playback.*' (required)")
	cmd.Flags().IntVar(&g.Add, "add", 0, "how many partitions each topic gets (required)")
	cmd.Flags().Int32SliceVar(&g.On, "on", nil,
		"the `id`[,id...] of the brokers that lead them; else those that hold nothing yet")
	cmd.Flags().BoolVar(&g.DryRun, "dry-run", false,
		"only print the plan, when the brokers have agreed to it")
	cmd.Flags().SortFlags = false
	cmd.DisableFlagsInUseLine = true
	return cmd
}

func grow(ctx context.Context, out io.Writer, cfg producer.Config, g admin.Growth) error {
	plan, refused := admin.Grow(ctx, cfg, g)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(plan) > 0 {
		fmt.Fprintln(table, "TOPIC\tPARTITION\tLEADER\tCOPIES")
	}
	for _, p := range plan {
		fmt.Fprintf(table, "%s\t%d\t%d\t%v\n", p.Topic, p.Number, p.Replicas[0], p.Replicas)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if refused != nil {
		fmt.Fprintln(out, refused)
		return exitError(exitUndelivered)
	}
	done := "were added"
	if g.DryRun {
		done = "would be added"
	}
	fmt.Fprintf(out, "\n%s %s\n", plural(len(plan), "partition"), done)
	return nil
}
