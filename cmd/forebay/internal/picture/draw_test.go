package picture

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
	"github.com/forebay-go/forebay/cmd/forebay/internal/simulate"
)

// draw draws the pictures of a fleet and returns their texts by name.
func draw(t *testing.T, description string) map[string]string {
	t.Helper()
	f, err := fleet.Parse("fleet.yaml", []byte(description))
	require.NoError(t, err)
	folder := filepath.Join(t.TempDir(), "made", "for it")
	names, err := Draw(folder, fleet.Make(f, fleet.Measured()), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"requests.svg", "processor.svg", "connections.svg", "memory.svg"},
		names)
	texts := make(map[string]string)
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join(folder, name))
		require.NoError(t, err)
		texts[name] = string(text)
	}
	return texts
}

func TestDraw_WritesPicturesThatShowTheFleet(t *testing.T) {
	t.Parallel()
	pictures := draw(t, "{instances: 100, brokers: 20, topics: [{records_per_second: 10k}, "+
		"{records_per_second: 1k, priority: high, keyed: true}]}")
	for name, words := range map[string][]string{
		"requests.svg":    {"Requests to one broker", "as set", "100", "500"},
		"processor.svg":   {"base", "connections", "bytes", "batches", "as set", "500ms"},
		"connections.svg": {"max_brokers", "limit", "20"},
		"memory.svg":      {"high", "medium", "all", "buffer", "minutes"},
	} {
		decoder := xml.NewDecoder(strings.NewReader(pictures[name]))
		var said strings.Builder
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, name)
			if text, ok := token.(xml.CharData); ok {
				said.Write(text)
			}
		}
		for _, word := range words {
			require.Contains(t, said.String(), word, name)
		}
	}
}

func TestDraw_DrawsWhatWasPlayed(t *testing.T) {
	t.Parallel()
	f, err := fleet.Parse("f", []byte("{instances: 5, brokers: 3, outage: 1m, topics: "+
		"[{records_per_second: 100}]}"))
	require.NoError(t, err)
	p := fleet.Make(f, fleet.Measured())
	r, err := simulate.Run(p, 13*time.Minute)
	require.NoError(t, err)
	folder := t.TempDir()
	names, err := Draw(folder, p, r)
	require.NoError(t, err)
	require.Contains(t, names, "simulation.svg")
	text, err := os.ReadFile(filepath.Join(folder, "simulation.svg"))
	require.NoError(t, err)
	for _, words := range []string{"Requests to one broker", "Processor of one broker", "busiest",
		"Attempts to connect to one broker", "Memory of one instance", "minutes"} {
		require.Contains(t, string(text), words)
	}

	points := curve(r, func(s *simulate.Second) float64 { return s.Attempts.Mean })
	require.Len(t, points, 13*60/2, "the larger of two seconds")
	require.InEpsilon(t, 10*5, points[40].Y, 0.2, "in the outage")
	require.InEpsilon(t, 80.0/60, points[40].X, 1e-9)
}

func TestDraw_DrawsFleetsThatSendNothing(t *testing.T) {
	t.Parallel()
	draw(t, "{instances: 1, brokers: 1, outage: 0, settings: {linger: 0}, topics: "+
		"[{records_per_second: 0}]}")
	draw(t, "{instances: 1, brokers: 100k, topics: [{records_per_second: 1, keyed: true}]}")
}

// A mark beside the curve would be no number of brokers.
func TestDraw_MarksMaxBrokersOnTheCurve(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]float64{-1: 6, 2: 2, 8: 6} {
		f, err := fleet.Parse("f", fmt.Appendf(nil, "{instances: 1, brokers: 6, settings: "+
			"{max_brokers: %d}, topics: [{records_per_second: 1}]}", most))
		require.NoError(t, err)
		require.Equal(t, want, maxBrokers(f), "max_brokers: %d", most)
	}
}

func TestDraw_SaysWhereItCannotWrite(t *testing.T) {
	t.Parallel()
	f, err := fleet.Parse("f", []byte("{instances: 1, brokers: 1, topics: [{records_per_second: 1}]}"))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = Draw(filepath.Join(file, "below"), fleet.Make(f, fleet.Measured()), nil)
	require.ErrorContains(t, err, "not a directory")
}

func TestHeld_IsWhatThePlanHasForThatOutage(t *testing.T) {
	t.Parallel()
	f, err := fleet.Parse("f", []byte("{instances: 1, brokers: 3, outage: 20m, topics: "+
		"[{records_per_second: 100}, {records_per_second: 10, priority: high}]}"))
	require.NoError(t, err)
	p := fleet.Make(f, fleet.Measured())
	lines := held(p)
	require.Len(t, lines, 3)
	sum := 0.0
	for i, h := range p.Outage.Lanes {
		require.Zero(t, lines[i][0].Y)
		require.InEpsilon(t, 20, lines[i][steps/2].X, 1e-9)
		require.InEpsilon(t, h.Kept/(1<<20), lines[i][steps/2].Y, 1e-9)
		require.InEpsilon(t, 40, lines[i][steps].X, 1e-9)
		sum += h.Kept
	}
	require.InEpsilon(t, sum/(1<<20), lines[2][steps/2].Y, 1e-9)
}
