// Package report makes tables and charts of what was measured. Nothing in it is a figure: each comes from a [Sample].
package report

import (
	"bytes"
	"encoding/json"
	"os"
)

// Sample is what one client did in one round of one case of a measurement.
type Sample struct {
	Measure string
	Case    string
	Client  string
	Round   int
	Figures map[string]float64 `json:",omitempty"` // by Column.Name
	Told    map[string]string  `json:",omitempty"` // the client's settings
	Note    string             `json:",omitempty"` // why there are no figures, or what has to be known of them
}

// Append adds a sample to a file that has one a line.
func Append(path string, s *Sample) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	return json.NewEncoder(f).Encode(s)
}

// Load reads the samples of a file.
func Load(path string) (samples []Sample, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		var s Sample
		if err := json.Unmarshal(line, &s); err != nil {
			return nil, err
		}
		samples = append(samples, s)
	}
	return samples, nil
}
