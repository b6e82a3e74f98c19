package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/audit"
)

func newAuditInit() *cobra.Command {
	partitions, replicas := int32(6), int16(-1)
	cmd := &cobra.Command{
		Use:   "init [flags] file",
		Short: "Create the topics of the audit",
		Long: "Create the statement topic as it should be: compacted, with statements deleted " +
			"after three days.\nIf the file has heartbeats, create their topic with a partition " +
			"on each broker, or add partitions\non brokers that have none. Nothing else of a " +
			"topic that exists is changed, but its settings are\nchecked: the exit code is 1 if " +
			"the audit cannot work with them. An audited topic that does not exist\nis named.",
		Example: "  forebay audit init --replication-factor 3 audit.yaml",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := readAudit(args[0])
			if err != nil {
				return gaveUp(cmd.ErrOrStderr(), err)
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
			defer cancel()
			i := auditInit{file: f, out: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return i.run(ctx, partitions, replicas)
		},
	}
	cmd.Flags().Int32Var(&partitions, "partitions", partitions, "the `number` of partitions")
	cmd.Flags().Int16Var(&replicas, "replication-factor", replicas,
		"the `number` of replicas; -1: the default of the brokers")
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// auditInit is one run of audit init.
type auditInit struct {
	file        *auditFile
	out, stderr io.Writer
	broken      bool // a topic exists, and the audit cannot work with it
}

// run creates the topics, prints a line for each, and says what is wrong with those that exist.
func (i *auditInit) run(ctx context.Context, partitions int32, replicas int16) error {
	if err := i.statements(ctx, partitions, replicas); err != nil {
		return gaveUp(i.stderr, err)
	}
	if i.file.audit.Heartbeat != nil {
		if err := i.heartbeats(ctx); err != nil {
			return gaveUp(i.stderr, err)
		}
	}
	if topics := i.file.audit.TopicsToRead(); len(topics) > 0 {
		unmet, err := audit.FindMissing(ctx, topics, i.file.clusters().Topics...)
		if err != nil {
			return gaveUp(i.stderr, err)
		}
		for _, n := range unmet {
			fmt.Fprintf(i.stderr, "warning: %v\n", n)
		}
	}
	if i.broken {
		return exitError(exitFailed)
	}
	return nil
}

func (i *auditInit) statements(ctx context.Context, partitions int32, replicas int16) error {
	opts, topic := i.file.clusters().Statements, i.file.statementTopic()
	made, err := audit.CreateStatementTopic(ctx, topic, partitions, replicas, opts...)
	if err != nil {
		return err
	}
	said := map[bool]string{true: "created", false: "exists"}
	fmt.Fprintf(i.out, "%s: %s\n", topic, said[made])
	if !made {
		i.say(audit.CheckStatementTopic(ctx, topic, opts...))
	}
	return nil
}

func (i *auditInit) heartbeats(ctx context.Context) error {
	opts := i.file.clusters().Topics
	topic := cmp.Or(i.file.audit.Heartbeat.Topic, audit.HeartbeatTopic)
	added, err := audit.CreateHeartbeatTopic(ctx, topic, opts...)
	if err != nil {
		return err
	}
	fmt.Fprintf(i.out, "%s: %s added, one for each broker that had none\n", topic,
		plural(added, "partition"))
	i.say(audit.CheckHeartbeatTopic(ctx, topic, opts...))
	return nil
}

// say prints what is wrong with a topic. It is no mistake of the file if nobody may look.
func (i *auditInit) say(found []audit.Finding, err error) {
	if err != nil {
		fmt.Fprintf(i.stderr, "warning: %v\n", err)
	}
	for _, f := range found {
		level := "warning"
		if f.Breaks {
			level, i.broken = "error", true
		}
		fmt.Fprintf(i.stderr, "%s: %v\n", level, f)
	}
}
