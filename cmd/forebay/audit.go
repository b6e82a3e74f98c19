package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/audit"
)

// The exit codes of audit.
const (
	exitFaulty       = 3
	exitMissed       = 4 // the objective of a load
	exitInconclusive = 5
)

const auditLong = `Prove that no record is lost on its way through Kafka, or find out which.

Producers number records in a header, and state what became of each number. Readers state which
numbers they have seen. The statements go to a topic of their own. Put together, they show which
records are lost, which are there twice, and which are out of order. Any number of instances may
produce, consume, or both; those with the same statement topic audit together.

  forebay audit init audit.yaml     # once: creates the statement topic, and that of heartbeats
  forebay audit run audit.yaml      # one instance
  forebay audit report audit.yaml   # what is known of the last two days

"load" measures latency and throughput under load, and what readers cost. "record" captures records
of topics to a file. "replay" sends them again, as fast as they came or faster. These three need no
statements.

The file has the settings of a producer, as for all other commands, and a section "audit":

  clusters:
    kafka: {brokers: ["127.0.0.1:9092"]}
  audit:
    role: both                 # produce, consume or both
    instance: auditor-1        # default: the name of the host; no two instances may share one
    loads:                     # the traffic to make, for produce and both
      - topic: audited
        records_per_second: 1000
        bytes: 100             # of a value; default 100
        keys: 50               # default 0: records without keys
        priority: medium       # default: by the topics of the settings
    topics: [audited]          # to read; default for both: those of the loads
    cluster: kafka             # with these topics, named as in the settings of those that produce;
                               # required if there are several
    group: forebay-audit       # readers of a group share the partitions; this is the default
    start: earliest            # or latest: where to begin if nobody has read a partition
    statement_topic: forebay-audit    # in the cluster of low priority; this is the default
    interval: 5s               # between two versions of a statement; this is the default
    heartbeat:                 # watches the brokers with the topics to read; default: no
      topic: forebay-heartbeat # this is the default
      interval: 1s             # between two heartbeats to a broker; this is the default
      slow: 500ms              # an acknowledgement that takes longer is slow; this is the default
    listen: 127.0.0.1:9090     # a page and metrics of "run", for operators alone; default: none
    duration: 10m              # default 0: until it is stopped
    drain: 1m                  # how long to wait at the end for what is open; this is the default

To audit the records of your own services, give their producers an audit.Source (package audit), and
run an instance with role consume.`

const auditCodes = `

Exit codes:
  0  whole: every delivered record is in the log, once, and in order
  1  the command could not do its work, or the file is wrong
  2  the command line is wrong
  3  faulty: records are lost, twice in the log without an explanation, out of order, or in the log
     although their producer reported them as not delivered
  5  inconclusive: no fault was found, but some records are not decided, or there were none; or an
     instance that only produces has not stated what became of all its records`

func newAudit() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Prove that no record is lost, or find which",
		Long: auditLong, Args: cobra.NoArgs, RunE: missingCommand}
	cmd.AddCommand(newAuditInit(), newAuditRun(), newAuditReport(), newAuditLoad(),
		newAuditRecord(), newAuditReplay())
	return cmd
}

// auditFlags holds the flags of audit run and audit report.
type auditFlags struct {
	json   bool
	every  time.Duration
	since  time.Duration
	listen string
}

func newAuditRun() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "run [flags] file",
		Short: "Run one instance of the auditor",
		Long: "Run one instance of the auditor: produce, consume or both, as the file says. See " +
			"\"forebay audit --help\"\nfor the file. An instance that consumes prints what it " +
			"has found at the end, of the records since it began.\n\n" +
			"Topics. If a topic that it needs does not exist, it says so, waits for it, and says " +
			"it again in each line\nof progress.\n\n" +
			"Interrupts. Ctrl-C (or SIGTERM) ends the traffic. The instance then waits, up to " +
			"drain, until each\nrecord is accounted for. A second Ctrl-C, at least half a second " +
			"later, ends that wait." + auditCodes,
		Example: "  forebay audit run audit.yaml",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := readAudit(args[0])
			if err != nil {
				return gaveUp(cmd.ErrOrStderr(), err)
			}
			if err := legalAddress("--listen", f.listen); err != nil {
				return err
			}
			file.listen = cmp.Or(f.listen, file.listen)
			return f.run(cmd, file)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON instead of a table")
	cmd.Flags().DurationVar(&f.every, "every", 10*time.Second,
		"the `time` between two lines of progress; 0: none. A terminal has a table instead, "+
			"drawn\nanew each second")
	cmd.Flags().StringVar(&f.listen, "listen", "",
		"serve the page and the metrics on this `address`, such as 127.0.0.1:9090; default: "+
			"audit.listen\nof the file, or none")
	cmd.DisableFlagsInUseLine = true
	return cmd
}

func (f *auditFlags) run(cmd *cobra.Command, file *auditFile) error {
	stderr := cmd.ErrOrStderr()
	listener, err := listenFor(cmd.Context(), file.listen)
	if err != nil {
		return gaveUp(stderr, err)
	}
	screen := newLiveTable(stderr)
	agent, err := audit.NewAgent(file.audit, file.settings, file.clusters(),
		zap.New(warnings{screen, zap.WarnLevel}))
	if err != nil {
		if listener != nil {
			_ = listener.Close()
		}
		return gaveUp(stderr, err)
	}
	stopServing := serveAudit(listener, agent)
	defer stopServing()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	working, closing, stop := interrupts(cmd.Context(), signals, time.Hour)
	defer stop()
	progress, end := context.WithCancel(closing)
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.progress(progress, screen, agent, isTerminal(stderr))
	}()
	report := agent.Run(working, closing)
	end()
	<-done
	screen.end()
	return f.finish(cmd.OutOrStdout(), stderr, auditResult{Loads: agent.Loads(),
		Brokers: agent.Brokers(), Source: agent.Source(), Report: report, Unmet: agent.Unmet()})
}

// progress prints a line now and then; on a terminal it draws a table each second.
func (f *auditFlags) progress(ctx context.Context, screen *liveTable, agent *audit.Agent,
	terminal bool) {
	if f.every <= 0 {
		return
	}
	every := f.every
	if terminal {
		every = time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s := agent.Snapshot(); terminal {
				screen.draw(tableOf(&s))
			} else {
				screen.say(progressLine(&s))
			}
		}
	}
}

// auditResult is what audit prints as JSON.
type auditResult struct {
	Loads   []audit.LoadStats    `json:",omitempty"`
	Brokers []audit.BrokerReport `json:",omitempty"`
	Source  *audit.SourceStats   `json:",omitempty"`
	Report  *audit.Report        `json:",omitempty"`
	Unmet   []audit.Need         `json:",omitempty"` // topics that could not be used at the end
	Verdict audit.Verdict        `json:",omitempty"`
	Why     string               `json:",omitempty"` // the verdict in words
}

// judge sets the verdict. An instance that only produces has one only if it has not stated all.
func (r *auditResult) judge() {
	if r.Report != nil {
		r.Verdict = r.Report.Verdict()
	}
	if r.Source != nil && !r.Source.AllStated() && r.Verdict != audit.Faulty {
		r.Verdict = audit.Inconclusive
	}
	if r.Verdict != "" {
		r.Why = verdictWords(r)
	}
}

// finish prints the end of a run. The error is an exitError unless all is well.
func (f *auditFlags) finish(out, stderr io.Writer, result auditResult) error {
	result.judge()
	err := printResult(out, f.json, result, func(out io.Writer) { printAudit(out, &result) })
	if err != nil {
		return gaveUp(stderr, err)
	}
	switch result.Verdict {
	case audit.Faulty:
		return exitError(exitFaulty)
	case audit.Inconclusive:
		return exitError(exitInconclusive)
	}
	return nil
}

func newAuditReport() *cobra.Command {
	var f auditFlags
	cmd := &cobra.Command{
		Use:   "report [flags] file",
		Short: "Print the account of all instances",
		Long: "Read the statement topic, and print the account of all instances. Of the audited " +
			"topics, only the end\noffsets are read. Nothing is written." + auditCodes,
		Example: "  forebay audit report --since 2h audit.yaml",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := readAudit(args[0])
			if err == nil && (f.since < 0 || f.since > audit.Horizon) {
				err = fmt.Errorf("--since: %v: write a time up to %v, such as 2h", f.since,
					audit.Horizon)
			}
			if err != nil {
				return gaveUp(cmd.ErrOrStderr(), err)
			}
			return f.report(cmd, file)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON instead of a table")
	cmd.Flags().DurationVar(&f.since, "since", audit.Horizon,
		"leave out buckets that began before this `time` ago")
	cmd.DisableFlagsInUseLine = true
	return cmd
}

func (f *auditFlags) report(cmd *cobra.Command, file *auditFile) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	follower, err := audit.Follow(file.statementTopic(), nil, file.clusters().Statements...)
	if err != nil {
		return gaveUp(cmd.ErrOrStderr(), err)
	}
	defer follower.Close()
	if err := follower.CatchUp(ctx); err != nil {
		return gaveUp(cmd.ErrOrStderr(), err)
	}
	if f := file.clusters(); file.audit.Cluster != "" {
		if err := follower.Ledger().FindEnds(ctx, f.Topics...); err != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "some records stay open: %v\n", err)
		}
	}
	now := time.Now()
	follower.Ledger().Judge(now, true)
	report := follower.Ledger().Report(now).Since(audit.BucketOf(now.Add(-f.since)))
	return f.finish(cmd.OutOrStdout(), cmd.ErrOrStderr(), auditResult{Report: report})
}
