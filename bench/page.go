package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/forebay-go/forebay/bench/measure"
	"github.com/forebay-go/forebay/bench/report"
)

// writePage makes the page and its charts of what is in the work folder, and prints the page.
func writePage(work, out string) error {
	samples, err := report.Load(filepath.Join(work, samplesFile))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(work, runFile))
	if err != nil {
		return err
	}
	var about report.Run
	if err := json.Unmarshal(text, &about); err != nil {
		return err
	}
	var measures []report.Measure
	for _, m := range measure.All() {
		measures = append(measures, m.Measure)
	}
	if err := os.MkdirAll(filepath.Join(out, "charts"), 0o755); err != nil {
		return err
	}
	charts, err := report.Charts(out, "charts", measures, samples)
	if err != nil {
		return err
	}
	page := report.Page(&about, measures, samples, charts)
	fmt.Print(page)
	return os.WriteFile(filepath.Join(out, "RESULTS.md"), []byte(page), 0o644)
}
