package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/cmd/forebay/internal/admin"
	"github.com/forebay-go/forebay/cmd/forebay/internal/capture"
)

const recordLong = `Capture a range of topics to a file, which "forebay audit replay" sends again.
The settings file needs only clusters; a section "audit" is not used.

Range. --from and --to take earliest, latest, a time such as 2026-11-30T20:00:00Z, or how long ago,
such as 1h30m. In each partition, a time stands for the first record that is not older. The range is
fixed when the command starts: it ends then, although records may still arrive. Records of aborted
transactions are recorded, too.

File. A capture is lines of JSON, compressed with zstd, that "zstd -dc" prints. Each record has its
time, topic, partition, key, value and headers. Records come in the order of their timestamps; the
order within a partition stays as it is. --output - writes to standard output. A file that exists is
not overwritten.

Interrupts. Ctrl-C (or SIGTERM) ends the capture, which can be replayed as far as it goes.

Exit codes:
  0    the whole range was recorded
  1    the command could not do its work, or the settings file is wrong
  2    the command line is wrong
  3    Kafka deleted records of the range before they could be read
  130  interrupted before the end of the range`

// recordFlags holds the flags of audit record.
type recordFlags struct {
	topics           []string
	fromText, toText string
	from, to         capture.Moment
	output           string
	cluster          string
}

func newAuditRecord() *cobra.Command {
	var f recordFlags
	cmd := &cobra.Command{
		Use:   "record --topic name[,...] --output capture [flags] file",
		Short: "Capture a range of topics to a file",
		Long:  recordLong,
		Example: "  forebay audit record --topic plays --from 1h --output plays.zst audit.yaml\n" +
			"  forebay audit record --topic plays --output - audit.yaml | zstd -dc | head",
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(time.Now()); err != nil {
				return err
			}
			return f.run(cmd, args[0])
		},
	}
	set := cmd.Flags()
	set.StringSliceVar(&f.topics, "topic", nil, "the `topic`[,topic...] to record (required)")
	set.StringVar(&f.output, "output", "", "the `file` to write; -: standard output (required)")
	set.StringVar(&f.fromText, "from", "earliest",
		"where to begin: earliest, latest, a `time`, or how long ago")
	set.StringVar(&f.toText, "to", "latest",
		"where to end: earliest, latest, a `time`, or how long ago")
	set.StringVar(&f.cluster, "cluster", "",
		"the `name` of the cluster in the settings (required if there are several)")
	set.SortFlags = false
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// check reads the flags. The error has every mistake.
func (f *recordFlags) check(now time.Time) error {
	var wrong []error
	f.topics = slices.Compact(slices.Sorted(slices.Values(f.topics)))
	if len(f.topics) == 0 {
		wrong = append(wrong, errors.New("--topic: not set: name the topics to record"))
	}
	if f.output == "" {
		wrong = append(wrong, errors.New("--output: not set: name the file to write, or write -"))
	}
	var err error
	if f.from, err = capture.ParseMoment(f.fromText, now); err != nil {
		wrong = append(wrong, fmt.Errorf("--from: %w", err))
	}
	if f.to, err = capture.ParseMoment(f.toText, now); err != nil {
		wrong = append(wrong, fmt.Errorf("--to: %w", err))
	}
	if len(wrong) == 0 && f.from >= 0 && f.to >= 0 && f.from > f.to {
		wrong = append(wrong, fmt.Errorf("--from: %s is after --to %s: exchange them", f.fromText,
			f.toText))
	}
	return errors.Join(wrong...)
}

// run records the range with the settings at path.
func (f *recordFlags) run(cmd *cobra.Command, path string) error {
	stderr := cmd.ErrOrStderr()
	settings, err := readClusters(path)
	if err != nil {
		return gaveUp(stderr, err)
	}
	name, err := oneCluster(settings, f.cluster)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(admin.Options(settings, name)...)
	if err != nil {
		return gaveUp(stderr, err)
	}
	defer client.Close()
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := &recording{began: time.Now(), said: &plainDisplay{out: stderr}}
	r.source, err = f.source(ctx, client)
	switch {
	case ctx.Err() != nil:
		r.said.say("interrupted before anything was recorded")
		return exitError(exitInterrupted)
	case err != nil:
		return gaveUp(stderr, err)
	}
	out, err := f.open(cmd.OutOrStdout())
	if err != nil {
		return gaveUp(stderr, err)
	}
	return r.finish(stderr, r.run(ctx, out, f.topics))
}

// source asks for the range.
func (f *recordFlags) source(ctx context.Context, client *kgo.Client) (*capture.Source, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	source, err := capture.NewSource(ctx, client, f.topics, f.from, f.to)
	if errors.Is(err, capture.ErrNoTopic) {
		err = fmt.Errorf("--topic: %w", err)
	}
	return source, err
}

// open makes the file to write.
func (f *recordFlags) open(stdout io.Writer) (io.WriteCloser, error) {
	if f.output == "-" {
		return unclosed{stdout}, nil
	}
	file, err := os.OpenFile(f.output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("--output: %s exists: write another name, or remove it", f.output)
	}
	if err != nil {
		return nil, fmt.Errorf("--output: %w", err)
	}
	return file, nil
}

// unclosed is standard output, which stays open.
type unclosed struct{ io.Writer }

// Close does nothing.
func (unclosed) Close() error { return nil }
