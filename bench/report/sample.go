// Package report makes tables and charts of what was measured. Nothing in it is a figure: each
// comes from a [Sample].
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"
)

// Sample is what one client did in one round of one case of a measurement.
type Sample struct {
	Case    string
	Client  string
	Round   int
	Figures map[string]float64 `json:",omitempty"` // by Column.Name
	Told    map[string]string  `json:",omitempty"` // the client's settings
	// why there are no figures, or what has to be known of them
	Note string `json:",omitempty"`
}

// Run is what has to be known of a run to read its figures.
type Run struct {
	At          time.Time
	Host        Machine
	Rounds      int
	Quick       bool // shorter than a figure deserves
	LoadAverage float64
	Took        time.Duration // the whole of it
	Command     string
}

// Machine is what it ran on, and with what.
type Machine struct {
	Cores  int
	CPU    string
	System string
	Go     string
	Kafka  string
	Java   string
}

// Measured is a measurement with all that is known of it, of one or more runs.
type Measured struct {
	Measure
	Runs    []Run
	Samples []Sample
}

// Rounds returns how many rounds there are, whole or begun.
func (m *Measured) Rounds() (n int) {
	for i := range m.Samples {
		n = max(n, m.Samples[i].Round+1)
	}
	return n
}

// What is kept of a measurement is in two files: samples, and runs, one a line.
const (
	samplesEnding = ".jsonl"
	runsEnding    = ".runs.jsonl"
)

// Append adds a sample to those of a measurement.
func Append(file string, s *Sample) error { return appendLine(file+samplesEnding, s) }

// AppendRun adds a run.
func AppendRun(file string, r *Run) error { return appendLine(file+runsEnding, r) }

// Remove forgets a measurement.
func Remove(file string) error {
	for _, ending := range []string{samplesEnding, runsEnding} {
		if err := os.RemoveAll(file + ending); err != nil {
			return err
		}
	}
	return nil
}

// Load reads what there is of a measurement, which may be nothing.
func Load(file string) (*Measured, error) {
	var m Measured
	var err, other error
	m.Samples, err = readLines[Sample](file + samplesEnding)
	m.Runs, other = readLines[Run](file + runsEnding)
	return &m, errors.Join(err, other)
}

func appendLine(path string, v any) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	return json.NewEncoder(f).Encode(v)
}

func readLines[T any](path string) (all []T, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}
