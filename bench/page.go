package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/forebay-go/forebay/bench/measure"
	"github.com/forebay-go/forebay/bench/report"
)

// writePage makes the page and its charts of what is in the folder of samples, and prints the page.
func writePage(folder, out string) error {
	var measured []report.Measured
	for _, m := range measure.All() {
		found, err := report.Load(filepath.Join(folder, m.Name))
		if err != nil {
			return err
		}
		found.Measure = m.Measure
		measured = append(measured, *found)
	}
	if err := os.MkdirAll(filepath.Join(out, "charts"), 0o755); err != nil {
		return err
	}
	charts, err := report.Charts(out, "charts", measured)
	if err != nil {
		return err
	}
	page := report.Page(measured, charts)
	fmt.Print(page)
	return os.WriteFile(filepath.Join(out, "RESULTS.md"), []byte(page), 0o644)
}
