package report

import (
	"flag"
	"image"
	"image/color"
	_ "image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/plotutil"
)

var update = flag.Bool("update", false, "write what the tests find into testdata")

// samples are of one measurement with two cases. The peer is better in CPU, the other one cannot do
// anything.
func samples() (all []Sample) {
	for round := range 3 {
		f := float64(round)
		all = append(all,
			Sample{Case: "one", Client: "nothing", Round: round,
				Figures: map[string]float64{"cpu": 1}},
			Sample{Case: "one", Client: "sarama", Round: round, Note: "cannot do it"},
			Sample{Case: "one", Client: "franz-go-try", Round: round,
				Figures: map[string]float64{"cpu": 100 + f, "rate": 1000}},
			Sample{Case: "one", Client: "forebay", Round: round,
				Figures: map[string]float64{"cpu": 200 + 3*f,
					"rate": 123456}, Told: map[string]string{"linger": "10ms"}},
			Sample{Case: "two", Client: "forebay", Round: round,
				Figures: map[string]float64{"rate": 2}, Told: map[string]string{"linger": "100ms"}},
		)
	}
	return all
}

// measured are two measurements, of which one was not measured.
func measured() []Measured {
	return []Measured{
		{
			Measure: Measure{Name: "cpu", Title: "What it costs", About: "As it is.",
				Columns: []Column{
					{Name: "cpu", Title: "CPU, ns", Best: Least, Key: true},
					{Name: "rate", Title: "records/s", Best: Most},
					{Name: "none", Title: "nobody has it"},
				}},
			Runs: []Run{
				{At: time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC), Host: host, Rounds: 2,
					LoadAverage: 1.5, Took: time.Hour, Command: "go run . -rounds 2"},
				{At: time.Date(2026, 3, 5, 5, 6, 0, 0, time.UTC), Host: host, Rounds: 1,
					Quick: true, LoadAverage: 0.5, Took: time.Minute,
					Command: "go run . -quick -more"},
			},
			Samples: samples(),
		},
		{Measure: Measure{Name: "send", Title: "was not measured"}},
	}
}

var host = Machine{Cores: 2, CPU: "a CPU", System: "linux", Go: "go1", Kafka: "4",
	Java: "openjdk 17"}

func TestBest_ADifferenceOfLessThanHalfAPercentIsNone(t *testing.T) {
	require.True(t, Least.better(0.99))
	require.False(t, Least.better(0.999))
	require.False(t, Least.better(1.1))
	require.True(t, Most.better(1.01))
	require.False(t, Most.better(1.001))
	require.False(t, Most.better(0.9))
	require.False(t, Neither.better(0.5))
}

func TestPage_IsMadeOfSamples(t *testing.T) {
	page := Page(measured(), map[string]string{"cpu": "charts/cpu.png"})
	golden := filepath.Join("testdata", "page.md")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(page), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), page)

	quiet := measured()
	quiet[0].Runs = quiet[0].Runs[:1]
	quiet[0].Runs[0].LoadAverage = 0.5
	require.NotContains(t, Page(quiet, nil), "Warning")
}

func TestMeasured_SurvivesItsFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cpu")
	none, err := Load(file)
	require.NoError(t, err)
	require.Zero(t, none.Rounds())
	m := measured()[0]
	for _, s := range m.Samples {
		require.NoError(t, Append(file, &s))
	}
	for _, r := range m.Runs {
		require.NoError(t, AppendRun(file, &r))
	}
	read, err := Load(file)
	require.NoError(t, err)
	require.Equal(t, m.Samples, read.Samples)
	require.Equal(t, m.Runs, read.Runs)
	require.Equal(t, 3, read.Rounds(), "more rounds go on from there")
	require.NoError(t, Remove(file))
	none, err = Load(file)
	require.NoError(t, err)
	require.Empty(t, none.Samples)
	require.Empty(t, none.Runs)
}

func TestCharts_DrawsWhatWasMeasured(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "charts"), 0o755))
	files, err := Charts(dir, "charts", measured())
	require.NoError(t, err)
	require.Equal(t, map[string]string{"cpu": filepath.Join("charts", "cpu.png")}, files)
	drawn, err := os.Open(filepath.Join(dir, "charts", "cpu.png"))
	require.NoError(t, err)
	defer drawn.Close()
	picture, format, err := image.Decode(drawn)
	require.NoError(t, err)
	require.Equal(t, "png", format)
	colours := make(map[color.Color]bool)
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			colours[color.RGBAModel.Convert(picture.At(x, y))] = true
		}
	}
	for client := range 2 {
		require.Contains(t, colours, color.RGBAModel.Convert(plotutil.Color(client)), "bars")
	}
	require.Contains(t, colours, color.Color(color.RGBA{A: 255}), "letters")
}
