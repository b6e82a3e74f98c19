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
	"github.com/spf13/pflag"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/producer"
)

const growLong = `Add partitions to many topics at once, on brokers that were added to a cluster.

Each topic gets --add more partitions. Their leaders are the brokers of --on in turn, or without
--on the brokers that hold no partition yet. The other replicas go to the same brokers as far as
they are enough. The command prints where the partitions are; with --dry-run the brokers only check
the plan.

The partition of a key depends on the number of partitions, so records with a key may go to another
partition afterwards. The order of a key holds before the change and after it, not across it.

Exit codes:
  0  every topic has grown
  1  some topic has not, or the settings are wrong
  2  the command line is wrong`

func newGrow() *cobra.Command {
	var g admin.Growth
	cmd := &cobra.Command{
		Use:   "grow --topic name[,...] --add n [flags] file",
		Short: "Add partitions to topics, on brokers that were added",
		Long:  growLong,
		Example: "  forebay topics grow --cluster high --topic 'playback.*' --add 6 --on 4,5,6 " +
			"--dry-run forebay.yaml",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(g.Topics) == 0 || g.Add < 1 {
				return errors.New("--topic and --add are required: write the topics, and how " +
					"many partitions to add to each, such as --topic plays --add 6")
			}
			out := cmd.OutOrStdout()
			cfg, err := complete(out, args[0])
			if err != nil {
				return err
			}
			if g.Cluster, err = oneCluster(cfg, g.Cluster); err != nil {
				return err
			}
			return grow(cmd.Context(), out, cfg, g)
		},
	}
	registerGrowth(cmd.Flags(), &g)
	cmd.DisableFlagsInUseLine = true
	return cmd
}

func registerGrowth(set *pflag.FlagSet, g *admin.Growth) {
	set.StringVar(&g.Cluster, "cluster", "",
		"the `name` of the cluster in the settings (required if there are several)")
	set.StringSliceVar(&g.Topics, "topic", nil,
		"the `topic`[,topic...] to grow, by name or by pattern such as 'playback.*' (required)")
	set.IntVar(&g.Add, "add", 0, "how many partitions to add to each topic (required)")
	set.Int32SliceVar(&g.On, "on", nil,
		"the `id`[,id...] of the brokers that lead them (default: brokers without partitions)")
	set.Lookup("on").DefValue = "" // the help would show []
	set.BoolVar(&g.DryRun, "dry-run", false,
		"add nothing; print the plan if the brokers agree to it")
	set.SortFlags = false
}

// oneCluster returns the cluster called name, or the only one if name is empty.
func oneCluster(cfg producer.Config, name string) (string, error) {
	names := slices.Sorted(maps.Keys(cfg.Clusters))
	all := strings.Join(names, ", ")
	switch {
	case name == "" && len(names) == 1:
		return names[0], nil
	case name == "":
		return "", fmt.Errorf("--cluster: not set, and there are several: write one of %s", all)
	case !slices.Contains(names, name):
		return "", fmt.Errorf("--cluster: there is no cluster %q: write one of %s", name, all)
	}
	return name, nil
}

// grow adds the partitions and prints where they are.
func grow(ctx context.Context, out io.Writer, cfg producer.Config, g admin.Growth) error {
	plan, refused := admin.Grow(ctx, cfg, g)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(plan) > 0 {
		fmt.Fprintln(table, "TOPIC\tPARTITION\tLEADER\tREPLICAS")
	}
	for _, p := range plan {
		fmt.Fprintf(table, "%s\t%d\t%d\t%v\n", p.Topic, p.Number, p.Replicas[0], p.Replicas)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if refused != nil {
		fmt.Fprintln(out, refused)
		return exitError(exitFailed)
	}
	done := "added"
	if g.DryRun {
		done = "would be added"
	}
	fmt.Fprintf(out, "\n%s %s\n", plural(len(plan), "partition"), done)
	return nil
}
