package report

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the tests find into testdata")

// samples are of one measurement with two cases. The peer is better in CPU, the other one cannot do anything.
func samples() (all []Sample) {
	for round := range 3 {
		f := float64(round)
		all = append(all,
			Sample{Measure: "cpu", Case: "one", Client: "nothing", Round: round, Figures: map[string]float64{"cpu": 1}},
			Sample{Measure: "cpu", Case: "one", Client: "sarama", Round: round, Note: "cannot do it"},
			Sample{Measure: "cpu", Case: "one", Client: "franz-go-try", Round: round, Figures: map[string]float64{"cpu": 100 + f, "rate": 1000}},
			Sample{Measure: "cpu", Case: "one", Client: "forebay", Round: round, Figures: map[string]float64{"cpu": 200 + 3*f, "rate": 123456}, Told: map[string]string{"linger": "10ms"}},
			Sample{Measure: "cpu", Case: "two", Client: "forebay", Round: round, Figures: map[string]float64{"rate": 2}, Told: map[string]string{"linger": "100ms"}},
		)
	}
	return all
}

var measures = []Measure{
	{Name: "cpu", Title: "What it costs", About: "As it is.", Columns: []Column{
		{Name: "cpu", Title: "CPU, ns", Best: Least, Key: true},
		{Name: "rate", Title: "records/s", Best: Most},
		{Name: "none", Title: "nobody has it"},
	}},
	{Name: "send", Title: "was not measured"},
}

func TestPage_IsMadeOfSamples(t *testing.T) {
	run := &Run{
		At: time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC), Host: Machine{Cores: 2, CPU: "a CPU", System: "linux", Go: "go1", Kafka: "4", Java: "17"},
		Rounds: 3, LoadAverage: 1.5, Took: time.Hour, Command: "go run .",
	}
	page := Page(run, measures, samples(), map[string]string{"cpu": "charts/cpu.svg"})
	golden := filepath.Join("testdata", "page.md")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(page), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), page)

	run.LoadAverage = 0.5
	require.NotContains(t, Page(run, measures, nil, nil), "Warning")
}

func TestSamples_SurviveTheirFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "samples")
	for _, s := range samples() {
		require.NoError(t, Append(file, &s))
	}
	read, err := Load(file)
	require.NoError(t, err)
	require.Equal(t, samples(), read)
}

func TestCharts_DrawsWhatWasMeasured(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "charts"), 0o755))
	files, err := Charts(dir, "charts", measures, samples())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"cpu": filepath.Join("charts", "cpu.svg")}, files)
	drawn, err := os.ReadFile(filepath.Join(dir, "charts", "cpu.svg"))
	require.NoError(t, err)
	require.Contains(t, string(drawn), "What it costs")
}
