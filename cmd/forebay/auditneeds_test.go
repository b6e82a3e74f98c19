package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
)

// A topic that is missing is named when the run begins, while it goes on, and with its verdict.
func TestAudit_SaysWhichTopicsAreMissing(t *testing.T) {
	path := auditing(t, []string{newFake(t).addr}, `  role: both
  instance: one
  interval: 100ms
  duration: 3s
  drain: 1s
  heartbeat: {interval: 100ms}
  loads: [{topic: nowhere, records_per_second: 50}]`)
	var out, stderr bytes.Buffer
	code := run(t.Context(), []string{"audit", "run", "--json", "--every", "500ms", path}, nil, &out,
		&stderr)
	require.Equal(t, exitInconclusive, code, "%s\n%s", &out, &stderr)
	var printed struct {
		Unmet   []audit.Need
		Verdict audit.Verdict
		Why     string
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	require.Equal(t, audit.Inconclusive, printed.Verdict)
	require.Len(t, printed.Unmet, 3)
	init := `: run "forebay audit init" with your file`
	for topic, rest := range map[string]string{
		"forebay-audit":     " (statements) does not exist" + init,
		"forebay-heartbeat": " (heartbeats) does not exist" + init,
		"nowhere":           " (records to read) does not exist: create it, or take it out of topics",
	} {
		require.Contains(t, printed.Why, `topic "`+topic+`"`+rest)
		require.Contains(t, stderr.String(), "\n"+"forebay: topic that the audit needs cannot be used: "+
			"topic "+topic+": does not exist; ")
	}
	require.True(t, strings.HasPrefix(printed.Why, "inconclusive: no audited record was stated: "),
		printed.Why)
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	require.True(t, anyBegins(lines, `topic "forebay-audit" (statements) does not exist`+init+"; topic"),
		"no line of progress says it: %s", &stderr)
}

// anyBegins reports whether a line begins with a text.
func anyBegins(lines []string, start string) bool {
	for _, line := range lines {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// Topics that are made while a run waits for them are used, and the run can be whole.
func TestAudit_WaitsForTopicsThatAreMadeLater(t *testing.T) {
	path := auditing(t, []string{newFake(t).addr}, `  role: both
  instance: one
  interval: 100ms
  duration: 4s
  loads: [{topic: lines, records_per_second: 50}]`)
	var out, stderr bytes.Buffer
	made := make(chan int)
	go func() {
		time.Sleep(2 * time.Second)
		made <- run(t.Context(), []string{"audit", "init", path}, nil, &bytes.Buffer{}, &bytes.Buffer{})
	}()
	code := run(t.Context(), []string{"audit", "run", path}, nil, &out, &stderr)
	require.Zero(t, <-made)
	require.Zero(t, code, "%s\n%s", &out, &stderr)
	require.Contains(t, stderr.String(), "topic forebay-audit: does not exist")
	require.NotContains(t, out.String(), "does not exist")
}

// An instance that only produces has nothing to find, but it must have stated everything.
func TestAudit_ProduceFailsUnlessAllIsStated(t *testing.T) {
	section := `  role: produce
  instance: one
  interval: 100ms
  duration: 1s
  drain: %s
  loads: [{topic: lines, records_per_second: 100}]`
	path := auditing(t, []string{newFake(t).addr}, fmt.Sprintf(section, "1s"))
	var out, stderr bytes.Buffer
	code := run(t.Context(), []string{"audit", "run", path}, nil, &out, &stderr)
	require.Equal(t, exitInconclusive, code, "%s\n%s", &out, &stderr)
	require.Regexp(t, `inconclusive: of (\d+) records that got a number: (\d+) records with an outcome that was `+
		`not stated: topic "forebay-audit" \(statements\) does not exist: run "forebay audit init"`, out.String())
	out.Reset()
	code = run(t.Context(), []string{"audit", "run", "--json", path}, nil, &out, &stderr)
	require.Equal(t, exitInconclusive, code)
	var printed auditResult
	require.NoError(t, json.Unmarshal(out.Bytes(), &printed))
	require.Equal(t, audit.Inconclusive, printed.Verdict)
	require.Positive(t, printed.Source.Stamped)
	require.Equal(t, printed.Source.Stamped, printed.Source.Unsaid)

	path = auditing(t, []string{"127.0.0.1:1"}, fmt.Sprintf(section, "1s")) // nothing is there
	out.Reset()
	code = run(t.Context(), []string{"audit", "run", path}, nil, &out, &stderr)
	require.Equal(t, exitInconclusive, code)
	require.Regexp(t, `inconclusive: of \d+ records that got a number: \d+ records with.*: topic `+
		`"forebay-audit" \(statements\) cannot be looked up`, out.String())

	path = auditing(t, []string{newFake(t).addr}, fmt.Sprintf(section, "1m"))
	out.Reset()
	require.Zero(t, run(t.Context(), []string{"audit", "init", path}, nil, &bytes.Buffer{}, &stderr))
	require.Zero(t, run(t.Context(), []string{"audit", "run", path}, nil, &out, &stderr), "%s\n%s", &out, &stderr)
	require.Regexp(t, `stated what became of \d+ records`, out.String())
}
