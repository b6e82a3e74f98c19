package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/cmd/forebay/internal/fleet"
)

// The figures of docs/scale.md are those of this build.
func TestPlan_DocsHaveItsFigures(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "scale.md"))
	require.NoError(t, err)
	for _, row := range slices.Concat(talkRows(t), coefficientRows(), measuredRows()) {
		require.Contains(t, string(page), row+"\n")
	}
}

// talkRows returns the rows of the table about the talk.
func talkRows(t *testing.T) (rows []string) {
	f, err := fleet.Read(filepath.Join("testdata", "talk.yaml"))
	require.NoError(t, err)
	plan := fleet.Make(f, fleet.Measured())
	for _, c := range []struct {
		name   string
		random bool
		linger time.Duration
		most   int
		topics int
	}{
		{"random partition, no linger", true, 0, -1, 20},
		{"random partition, 100 ms", true, 100 * time.Millisecond, -1, 20},
		{"Forebay, 10 ms, all brokers", false, 10 * time.Millisecond, -1, 20},
		{"Forebay, 100 ms, all brokers", false, 100 * time.Millisecond, -1, 20},
		{"Forebay, 100 ms, 8 brokers", false, 100 * time.Millisecond, 8, 20},
		{"the same, if each instance has one topic", false, 100 * time.Millisecond, 8, 1},
	} {
		p := plan.With(func(f *fleet.Fleet) {
			f.Topics[0].Count = c.topics
			f.Topics[0].Keyed = c.random // each record has its partition from the start
			f.Settings.Linger, f.Settings.MaxBrokers = c.linger, c.most
		})
		rows = append(rows, fmt.Sprintf("| %s | %.1f | %s | %.2f | %s | %s |", c.name,
			p.Instance.RecordsPerRequest, perSecond(p.Broker.Requests), p.Broker.Cores.Total,
			perSecond(1700*p.Broker.Cores.Total), perSecond(p.Broker.Connections)))
	}
	return rows
}

// coefficientRows returns the rows of the table of coefficients.
func coefficientRows() []string {
	c := fleet.Measured()
	return []string{
		fmt.Sprintf("| base: a broker with next to no load | %.3f cores |", c.Base),
		fmt.Sprintf("| a: a request | %.3f ms |", 1000*c.PerRequest),
		fmt.Sprintf("| b: each batch in it | %.3f ms |", 1000*c.PerBatch),
		fmt.Sprintf("| c: a megabyte (10⁶ bytes) written | %.2f ms |", 1000*c.PerMegabyte),
		fmt.Sprintf("| d: a connection that is open, in a second | %.4f ms |",
			1000*c.PerConnection),
		fmt.Sprintf("| e: a fetch of a follower, at both ends | %.3f ms |", 1000*c.PerFetch),
	}
}

// measuredRows returns the rows of the table of measured loads.
func measuredRows() (rows []string) {
	c := fleet.Measured()
	for i := range c.Points {
		p := &c.Points[i]
		keyed := ""
		if p.Keyed {
			keyed = ", with keys"
		}
		rows = append(rows, fmt.Sprintf("| %d | %s | %s%s | %d | %.0f ms | %s | %s | %.2f | %.2f |",
			p.Producers, perSecond(p.Records), count(uint64(p.RecordBytes)), keyed, p.Replicas,
			1000*p.Linger, perSecond(p.Requests), perSecond(p.Predicted), p.Cores, c.Fitted(p)))
	}
	return rows
}

// The fleet file of docs/scale.md is one that works.
func TestPlan_DocsHaveAFleetFileThatWorks(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "scale.md"))
	require.NoError(t, err)
	_, file, found := strings.Cut(string(page), "```yaml\n")
	require.True(t, found)
	file, _, _ = strings.Cut(file, "```")
	require.Contains(t, plan(t, exitOK, settingsFile(t, file)), "20 instances, 3 brokers")
}
