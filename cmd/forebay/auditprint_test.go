package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
)

// Two runs of an instance are two rows, which their starts tell apart.
func TestAudit_TheTableTellsTheRunsOfAnInstanceApart(t *testing.T) {
	at := time.Date(2026, 11, 30, 9, 15, 7, 0, time.UTC)
	report := &audit.Report{Rows: []audit.Row{{Topic: "plays", Instance: "one", Started: at},
		{Topic: "plays", Instance: "one", Started: at.Add(time.Minute), Counts: audit.Counts{Lost: 1}}},
		Sources: []audit.Presence{{Name: "one", Started: at, Silent: true}}}
	var out bytes.Buffer
	printAudit(&out, &auditResult{Report: report})
	require.Regexp(t, `(?s)one  11-30 09:15:07 .*one  11-30 09:16:07 `, out.String())
	require.Contains(t, out.String(), "instance one started 11-30 09:16:07: 1 lost")
	require.Contains(t, out.String(), "instance one started 11-30 09:15:07 is silent")
}

// The start in the rows is that of the run that the source states.
func TestAudit_RowsHaveTheStartOfTheirRun(t *testing.T) {
	path := auditing(t, []string{newFake(t).addr}, `  role: both
  instance: one
  interval: 100ms
  duration: 300ms
  loads: [{topic: lines, records_per_second: 100}]`)
	began := time.Now().UTC().Truncate(time.Second)
	var out, stderr bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"audit", "init", path}, nil, &out, &stderr))
	require.Zero(t, run(t.Context(), []string{"audit", "run", path}, nil, &out, &stderr), "%s\n%s", &out, &stderr)
	shown := false
	for at := began; !at.After(time.Now()); at = at.Add(time.Second) {
		shown = shown || bytes.Contains(out.Bytes(), []byte("one  "+at.Format("01-02 15:04:05")))
	}
	require.True(t, shown, "%s", &out)
}
