package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/forebay-go/forebay/bench/measure"
	"github.com/forebay-go/forebay/bench/report"
	"github.com/forebay-go/forebay/bench/rig"
)

// run measures what is wanted and leaves samples in a folder, those of measurements that failed
// too. Those of an earlier run of the same measurement make room, unless more rounds are to be
// added to them.
func run(ctx context.Context, b *measure.Bench, wanted []measure.Measurement, folder string,
	more bool, command string) error {
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.MkdirAll(b.Work, 0o755)); err != nil {
		return err
	}
	var failures []error
	err := rig.Do(ctx, func(t *rig.TB) {
		host := machine(t)
		rig.CompileJava(t, t.TempDir())
		for _, m := range wanted {
			if ctx.Err() != nil {
				break
			}
			log.Printf("measure %s", m.Name)
			about := report.Run{At: time.Now(), Host: host, Rounds: b.Rounds, Quick: b.Quick,
				LoadAverage: rig.LoadAverage(), Command: "go run . " + command}
			err := measureOne(ctx, b, m, folder, more, &about)
			if err != nil {
				failures = append(failures, fmt.Errorf("measure %s: %w", m.Name, err))
				log.Print(err)
			}
		}
	})
	return errors.Join(err, errors.Join(failures...))
}

// measureOne measures m and keeps its samples and what has to be known of the run.
func measureOne(ctx context.Context, b *measure.Bench, m measure.Measurement, folder string,
	more bool, about *report.Run) error {
	file := filepath.Join(folder, m.Name)
	b.First = 0
	if more {
		earlier, err := report.Load(file)
		if err != nil {
			return err
		}
		b.First = earlier.Rounds()
	} else if err := report.Remove(file); err != nil {
		return err
	}
	err := rig.Do(ctx, func(t *rig.TB) {
		b.Samples = func(s *report.Sample) { t.Check(report.Append(file, s)) }
		m.Run(t, b)
	})
	about.Took = time.Since(about.At)
	return errors.Join(err, report.AppendRun(file, about))
}
