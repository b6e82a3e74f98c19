package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/audit/watch"
)

// fetched returns what an address answers; the status is 0 if nothing does.
func fetched(t *testing.T, method, url string) (status int, body string) {
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	require.NoError(t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(req)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// A running audit is seen from outside: what it has found, its brokers, and its producer.
func TestAudit_ServesItsPageAndMetricsWhileItRuns(t *testing.T) {
	address := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	path := auditing(t, []string{newFake(t).addr}, `  role: both
  instance: one
  interval: 100ms
  drain: 1s
  heartbeat: {interval: 100ms}
  listen: `+address+`
  loads: [{topic: lines, records_per_second: 200, keys: 7}]`)
	require.Equal(t, 0, run(t.Context(), []string{"audit", "init", path}, nil, io.Discard, io.Discard))
	start(t, nil, "audit", "run", path)

	var report watch.Report
	require.Eventually(t, func() bool {
		status, text := fetched(t, "GET", "http://"+address+"/health")
		return status == 200 && json.Unmarshal([]byte(text), &report) == nil && report.Total.Seen > 0 &&
			report.Status == watch.Well && len(report.Brokers) == 1 && report.Brokers[0].State == audit.Well
	}, patience, 50*time.Millisecond, "%+v", &report)
	require.Equal(t, audit.Whole, report.Verdict)
	require.Equal(t, "one", report.Instance)

	status, text := fetched(t, "GET", "http://"+address+"/metrics")
	require.Equal(t, 200, status)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	for _, name := range []string{"forebay_audit_completeness_ratio", "forebay_audit_latency_seconds",
		"forebay_audit_heartbeat_acknowledgement_seconds", "forebay_accepted_records_total", "go_goroutines"} {
		require.Contains(t, families, name)
	}
	require.Equal(t, 1.0, families["forebay_audit_completeness_ratio"].Metric[0].Gauge.GetValue())
	require.Zero(t, families["forebay_audit_lost_records"].Metric[0].Gauge.GetValue())

	for page, part := range map[string]string{"/": "Forebay audit", "/links": "producer/", "/livez": "ok",
		"/readyz": "ok", "/data": `"topic":"lines"`, "/producer/": "<title>Forebay<", "/producer/health": `"well"`,
		"/producer/links": "../"} {
		status, text := fetched(t, "GET", "http://"+address+page)
		require.Equal(t, 200, status, page)
		require.Contains(t, text, part, page)
		status, _ = fetched(t, "POST", "http://"+address+page)
		require.Equal(t, 405, status, page)
	}
	status, _ = fetched(t, "POST", "http://"+address+"/metrics")
	require.Equal(t, 404, status)
}

func TestAudit_SaysThatItCannotListen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	path := auditing(t, []string{"127.0.0.1:1"}, "  role: consume\n  topics: [a]\n  duration: 1h")
	var stderr syncBuffer
	args := []string{"audit", "run", "--listen", taken.Addr().String(), path}
	require.Equal(t, 1, run(t.Context(), args, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "audit.listen: cannot listen on "+taken.Addr().String()+
		": write another address, or leave it out: ")
	args[3] = "localhost"
	require.Equal(t, 2, run(t.Context(), args, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), `--listen: "localhost": write an address and a port`)
}
