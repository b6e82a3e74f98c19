package main

import (
	"context"
	"encoding/json"
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

// The files of the work folder.
const (
	samplesFile = "samples.jsonl"
	runFile     = "run.json"
)

// run measures what is wanted and leaves samples in the work folder, those of measurements that failed too.
func run(ctx context.Context, b *measure.Bench, wanted []measure.Measurement, command string) error {
	if err := os.MkdirAll(b.Work, 0o755); err != nil {
		return err
	}
	samples := filepath.Join(b.Work, samplesFile)
	if err := os.RemoveAll(samples); err != nil {
		return err
	}
	began := time.Now()
	about := report.Run{At: began, Rounds: b.Rounds, Quick: b.Quick, LoadAverage: rig.LoadAverage(), Command: "go run . " + command}
	var failures []error
	err := rig.Do(ctx, func(t *rig.TB) {
		about.Host = machine(t)
		rig.CompileJava(t, t.TempDir())
		b.Samples = func(s *report.Sample) { t.Check(report.Append(samples, s)) }
		for _, m := range wanted {
			if ctx.Err() != nil {
				break
			}
			log.Printf("measure %s", m.Name)
			if err := rig.Do(ctx, func(t *rig.TB) { m.Run(t, b) }); err != nil {
				failures = append(failures, fmt.Errorf("measure %s: %w", m.Name, err))
				log.Print(failures[len(failures)-1])
			}
		}
	})
	about.Took = time.Since(began)
	text, jsonErr := json.MarshalIndent(&about, "", "  ")
	return errors.Join(err, errors.Join(failures...), jsonErr, os.WriteFile(filepath.Join(b.Work, runFile), text, 0o644))
}
