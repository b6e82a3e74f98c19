package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
)

// auditing writes a file for audit with a section, and returns its path.
func auditing(t *testing.T, brokers []string, section string) string {
	path := filepath.Join(t.TempDir(), "audit.yaml")
	text := fmt.Sprintf("clusters:\n  kafka: {brokers: [%q]}\naudit:\n%s\nbatching: {linger: 5ms}\n",
		brokers[0], section)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestAudit_FindsThatAllIsThere(t *testing.T) {
	brokers := []string{newFake(t).addr}
	path := auditing(t, brokers, `  role: both
  instance: one
  interval: 100ms
  duration: 1s
  heartbeat: {interval: 100ms}
  loads: [{topic: lines, records_per_second: 500, keys: 7}]`)
	var out, stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), []string{"audit", "init", path}, nil, &out, &stderr), &stderr)
	require.Equal(t, "forebay-audit: created\nforebay-heartbeat: 1 partition added, one for each broker that "+
		"had none\n", out.String())
	out.Reset()
	require.Equal(t, 0, run(t.Context(), []string{"audit", "init", path}, nil, &out, &stderr), &stderr)
	require.Equal(t, "forebay-audit: exists\nforebay-heartbeat: 0 partitions added, one for each broker that "+
		"had none\n", out.String())

	out.Reset()
	code := run(t.Context(), []string{"audit", "run", "--every", "100ms", path}, nil, &out, &stderr)
	require.Equal(t, 0, code, "%s\n%s", &out, &stderr)
	require.Contains(t, out.String(), "whole: each delivered record is in the log, once, and in order")
	require.Contains(t, out.String(), "100.0000 %")
	require.Regexp(t, `0 +127.0.0.1:\d+ +well +0 `, out.String())
	require.Contains(t, stderr.String(), "lost 0, twice 0, out of order 0, complete 100.0000 %")

	out.Reset()
	code = run(t.Context(), []string{"audit", "report", "--json", path}, nil, &out, &stderr)
	require.Equal(t, 0, code, "%s\n%s", &out, &stderr)
	var printed struct {
		Report  audit.Report
		Verdict audit.Verdict
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	require.Equal(t, audit.Whole, printed.Verdict)
	require.Positive(t, printed.Report.Total.Seen)
	require.Equal(t, printed.Report.Total.Numbered, printed.Report.Total.Seen)
	require.Equal(t, "one", printed.Report.Rows[0].Instance)
}

func TestAudit_SaysWhatIsWrongAndWhere(t *testing.T) {
	for text, section := range map[string]string{
		"audit.yaml: audit.heartbeat.slow: 1h0m0s: write 1ms to 1m0s":                "  role: consume\n  topics: [a]\n  heartbeat: {slow: 1h}",
		`audit.yaml: audit.listen: "9090": write an address and a port, such as`:     "  role: consume\n  topics: [a]\n  listen: 9090",
		"audit.yaml:4: audit: rol: unknown setting":                                  "  rol: both",
		"audit.yaml:6: audit: \"much\": write a whole number":                        "  role: both\n  loads:\n  - {topic: a, bytes: much, records_per_second: 1}",
		"audit.yaml: audit.role: \"\": write produce, consume or both":               "  instance: a",
		"audit.yaml: audit.loads: empty: role produce needs the traffic to make":     "  role: produce",
		"audit.yaml: audit.cluster: \"west\" is not among the clusters: write kafka": "  role: consume\n  topics: [a]\n  cluster: west",
		"audit.yaml: audit.loads[0].records_per_second: 0: write a rate of up to":    "  role: produce\n  loads: [{topic: a}]",
		"audit.yaml:5: audit: \"soon\": write a time such as 5s or 10m":              "  role: consume\n  duration: soon",
		"audit.yaml:5: audit: \"orders\": write a list, such as [audited]":           "  role: consume\n  topics: orders",
		"audit.yaml:4: audit: write settings, such as {name: value}":                 "  [a, b]",
		"audit.yaml: audit: already set in line 3, and again in line 5: keep one":    "  role: consume\naudit:\n  role: both",
		"audit.yaml:6:12: batching.lingr: unknown setting: did you mean linger?":     "  role: consume\n  topics: [a]\nbatching: {lingr: 5ms}",
	} {
		path := auditing(t, []string{"127.0.0.1:1"}, section)
		var stderr bytes.Buffer
		require.Equal(t, 1, run(t.Context(), []string{"audit", "run", path}, nil, &bytes.Buffer{}, &stderr))
		require.Contains(t, stderr.String(), text)
	}
}

func TestAudit_ReportShowsNoMoreThanALedgerRemembers(t *testing.T) {
	path := auditing(t, []string{"127.0.0.1:1"}, "  role: consume\n  topics: [a]")
	for _, since := range []string{"49h", "-1s"} {
		var stderr bytes.Buffer
		require.Equal(t, 1, run(t.Context(), []string{"audit", "report", "--since", since, path}, nil,
			&bytes.Buffer{}, &stderr))
		require.Contains(t, stderr.String(), "write a time up to 48h0m0s, such as 2h")
	}
}

// A report of a topic that nobody reads is not whole, and finds nothing lost.
func TestAudit_WhatNobodyReadsIsOpen(t *testing.T) {
	path := auditing(t, []string{newFake(t).addr}, `  role: produce
  instance: one
  interval: 100ms
  duration: 300ms
  loads: [{topic: lines, records_per_second: 500}]`)
	var out, stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), []string{"audit", "init", path}, nil, &out, &stderr), &stderr)
	require.Equal(t, 0, run(t.Context(), []string{"audit", "run", path}, nil, &out, &stderr), &stderr)
	out.Reset()
	require.Equal(t, exitInconclusive, run(t.Context(), []string{"audit", "report", path}, nil, &out,
		&stderr), "%s\n%s", &out, &stderr)
	require.Contains(t, out.String(), "inconclusive: ")
}
