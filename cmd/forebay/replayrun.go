package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/cmd/forebay/internal/capture"
	"github.com/forebay-go/forebay/preflight"
	"github.com/forebay-go/forebay/producer"
)

// replayGrace is how long records have to be delivered after an interrupt.
const replayGrace = 30 * time.Second

// replay is one run of audit replay.
type replay struct {
	p      *producer.Producer
	player capture.Player
	room   *room
	failed *failures
	screen display
	since  int64 // bytes that were sent since heldUp looked at the buffer
	look   int64 // after how many bytes it looks
}

// run replays the capture called name with the settings at path.
func (f *replayFlags) run(cmd *cobra.Command, path, name string) error {
	stderr := cmd.ErrOrStderr()
	settings, err := readClusters(path)
	if err != nil {
		return gaveUp(stderr, err)
	}
	in, err := newInput([]string{name}, cmd.InOrStdin())
	if err != nil {
		return gaveUp(stderr, err)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	reading, closing, stop := interrupts(cmd.Context(), signals, replayGrace)
	defer stop()
	name = in.sources[0].name
	reader, free, err := openCapture(in.open(reading, in.sources[0]))
	if err != nil {
		return gaveUp(stderr, fmt.Errorf("%s: %w", name, err))
	}
	defer free()
	topics, err := f.topics(reader.Header())
	if err != nil {
		return err
	}
	r, err := f.start(settings, &plainDisplay{out: stderr})
	if err != nil {
		return gaveUp(stderr, err)
	}
	if err := r.missing(reading, topics); err != nil {
		_, _ = r.p.Close(closing) // it has nothing
		return gaveUp(stderr, err)
	}
	result := r.run(reading, closing, reader)
	return result.finish(cmd.OutOrStdout(), stderr, name)
}

// start makes the producer.
func (f *replayFlags) start(settings producer.Config, screen display) (*replay, error) {
	r := &replay{room: newRoom(), failed: new(failures), screen: screen,
		look: settings.Buffer.MaxBytes / 16, player: capture.Player{
			Speed: f.speed, Rename: f.rename, KeepPartitions: f.keepPartitions,
			MaxGap: f.maxGap}}
	r.player.Send = func(_ context.Context, rec producer.Record) error { return r.p.Send(rec) }
	if f.speed == 0 {
		r.player.Send = r.patiently
		for _, p := range []*producer.PriorityConfig{&settings.Priorities.Low,
			&settings.Priorities.Medium, &settings.Priorities.High} {
			p.WhenFull = "refuse" // the other value drops what waits
		}
	}
	var err error
	r.p, err = producer.New(settings, producer.WithDelivery(r.report),
		producer.WithLogger(zap.New(warnings{screen, zap.WarnLevel})))
	return r, err
}

// report takes the delivery report of a record.
func (r *replay) report(rep producer.Report) {
	r.room.report(rep)
	r.failed.report(rep)
}

// missing returns an error if a cluster says that a topic does not exist, or that it may not be
// written to. Clusters that are away are no reason not to begin.
func (r *replay) missing(ctx context.Context, topics []string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var wrong []error
	for _, cluster := range r.p.Preflight(ctx, topics...).Clusters {
		for _, topic := range cluster.Topics {
			for _, f := range topic.Findings {
				if f.Level == preflight.Problem && !topic.Fallback &&
					(f.Check == preflight.Exists || f.Check == preflight.Write) {
					wrong = append(wrong, fmt.Errorf("cluster %s: topic %s: %s", cluster.Name,
						topic.Name, f.Text))
				}
			}
		}
	}
	return errors.Join(wrong...)
}

// run sends the capture until it ends or reading does. Accepted records then have until the end of
// closing to be delivered.
func (r *replay) run(reading, closing context.Context, reader *capture.Reader) *replayResult {
	start := time.Now()
	stop := each(progressEvery, func() { r.screen.say(r.progress()) })
	defer stop()
	silent := context.AfterFunc(reading, func() {
		if n := r.pending(); n > 0 {
			r.screen.say(fmt.Sprintf("interrupted: waiting up to %v for %s undelivered records; "+
				"interrupt again to give them up", replayGrace, count(n)))
		}
	})
	defer silent()
	err := r.player.Run(reading, reader)
	result := &replayResult{complete: reader.Trailer().Complete}
	result.summary, _ = r.p.Close(closing) // summary has all that the error says
	result.doubled = r.p.Stats().Total.MaybeDuplicated
	result.played, result.elapsed = r.player.Stats(), time.Since(start)
	result.failed = r.failed.lines()
	if result.interrupted = err != nil && errors.Is(err, reading.Err()); !result.interrupted {
		result.damage = err
	}
	return result
}

// progress returns a line that says how far the replay is.
func (r *replay) progress() string {
	played, total := r.player.Stats(), r.p.Stats().Total
	text := fmt.Sprintf("read %s, sent %s, delivered %s, waiting %s", count(played.Read),
		count(played.Sent), count(total.Delivered), count(total.Pending))
	if late := played.Late; late >= time.Second {
		text += fmt.Sprintf(", %v late", late.Round(time.Second))
	}
	if wait := time.Until(played.Due); wait >= progressEvery {
		text += fmt.Sprintf(", the next record is due in %v", wait.Round(time.Second))
	}
	text += gapWords(&played)
	return text
}
