package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the tests find into testdata")

// plan runs "forebay plan" and returns what it printed.
func plan(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, stderr bytes.Buffer
	require.Equal(t, code, run(t.Context(), append([]string{"plan"}, args...), nil, &out, &stderr),
		out.String()+stderr.String())
	if code != exitOK {
		require.Empty(t, out.String(), "--json > plan.json is no place for an error")
	}
	return out.String() + stderr.String()
}

func TestPlan_PrintsTheExample(t *testing.T) {
	t.Parallel()
	fixed := "--coefficients=" + filepath.Join("testdata", "coefficients.json")
	example := filepath.Join("testdata", "fleet.yaml")
	got := plan(t, exitOK, fixed, example)
	golden := filepath.Join("testdata", "fleet.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), got)

	var decoded struct {
		Broker struct {
			Requests float64 `json:"requests_per_second"`
		} `json:"per_broker"`
		Advice []struct{ Setting, Write, Why, Gives string } `json:"advice"`
	}
	require.NoError(t, json.Unmarshal([]byte(plan(t, exitOK, "--json", fixed, example)), &decoded))
	require.NotZero(t, decoded.Broker.Requests)
	require.NotEmpty(t, decoded.Advice[0].Gives)
}

func TestPlan_DrawsPictures(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "pictures")
	plan(t, exitOK, "--svg", folder, filepath.Join("testdata", "fleet.yaml"))
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, files, 4)
}

func TestPlan_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	path := settingsFile(t, "instances: 1\nbrokres: 2\ntopics: [{records_per_second: 1}]\n")
	require.Equal(t, path+":2:1: brokres: unknown setting: did you mean brokers?\n\n1 mistake in "+
		path+"\n", plan(t, exitFailed, path))
	require.Equal(t, "forebay: read the fleet file: open "+path+".not: no such file or directory\n",
		plan(t, exitFailed, path+".not"))
	require.Contains(t, plan(t, exitFailed, filepath.Dir(path)), "is a directory")
	good := settingsFile(t, "{instances: 1, brokers: 2, topics: [{records_per_second: 1}]}")
	require.Contains(t, plan(t, exitFailed, "--coefficients", path, good),
		"--coefficients: "+path+": not a coefficients file")
	require.Contains(t, plan(t, exitFailed, "--svg", filepath.Join(good, "x"), good), "--svg: ")
	require.Contains(t, plan(t, exitUsage), "0 file names given: name one fleet file")
	require.Contains(t, plan(t, exitUsage, "--jsn", good), "unknown flag")
}

func TestPlanCalibrate_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	require.Contains(t, plan(t, exitUsage, "calibrate"),
		"--brokers: not set: name one broker or more, such as --brokers 127.0.0.1:9092")
	require.Contains(t, plan(t, exitUsage, "calibrate", "--brokers", "x:1", "--window", "1ms"),
		"--window: 1ms: write a time from 1s to 10m")
	require.Contains(t, plan(t, exitUsage, "calibrate", "--brokers", "x:1,y"),
		`--brokers: "x:1,y": write each as host:port, such as 127.0.0.1:9092`)
	require.Contains(t, plan(t, exitUsage, "calibrate", "--brokers", "x:1", "--pid", "-4"),
		"--pid: [-4]: write the number of each broker's process")
	broker := newFake(t)
	require.Contains(t, plan(t, exitFailed, "calibrate", "--brokers", broker.addr, "--pid", "1,2"),
		"2 processes for 1 brokers: name the process of every broker")
}

func TestPlan_HelpHasAFleetFileThatWorks(t *testing.T) {
	t.Parallel()
	_, file, _ := strings.Cut(planLong, "required:\n")
	file, _, found := strings.Cut(file, "The command prints")
	require.True(t, found)
	require.Contains(t, plan(t, exitOK, settingsFile(t, file)), "3,000 instances, 50 brokers")
}

func TestPlan_HelpNamesEverySetting(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"plan", "--help"}, nil, &help, io.Discard))
	for _, setting := range []string{"instances", "brokers", "zones", "topics", "name", "count",
		"records_per_second", "instance_records_per_second", "record_bytes", "priority", "keyed",
		"partitions", "replicas", "compression_ratio", "linger", "max_linger", "batch_bytes", "buffer_bytes",
		"max_brokers", "share_connections", "probe_max", "ack_latency", "delivery_timeout",
		"outage", "broker", "cores", "produce_bytes_per_second", "limits", "connections",
		"new_connections_per_second"} {
		require.Regexp(t, `\b`+setting+`\b`, help.String())
	}
}

func TestPlan_SimulatesTheExample(t *testing.T) {
	t.Parallel()
	example := settingsFile(t, "{instances: 20, brokers: 3, outage: 5m, topics: [{records_per_second: 1k}]}")
	folder := filepath.Join(t.TempDir(), "pictures")
	got := plan(t, exitOK, "--simulate", "8m", "--svg", folder, example)
	require.Contains(t, got, "\nADVICE\n")
	require.Contains(t, got, "\nSIMULATION OF 8m, OUTAGE FROM 1m TO 6m")
	require.FileExists(t, filepath.Join(folder, "simulation.svg"))

	var decoded struct {
		Instances  int `json:"instances"`
		Simulation struct {
			Timeline []struct {
				Requests struct{ Mean float64 } `json:"requests_per_second"`
			} `json:"timeline"`
		} `json:"simulation"`
	}
	require.NoError(t, json.Unmarshal([]byte(plan(t, exitOK, "--json", "--simulate", "8m", example)), &decoded))
	require.NotZero(t, decoded.Instances)
	require.Len(t, decoded.Simulation.Timeline, 8*60)
	require.NotZero(t, decoded.Simulation.Timeline[0].Requests.Mean)
	require.NotContains(t, plan(t, exitOK, "--json", example), "simulation")

	require.Contains(t, plan(t, exitUsage, "--simulate", "1m", example), "forebay: --simulate: 1m: write a time from ")
	require.Contains(t, plan(t, exitUsage, "--simulate", "soon", example), "--simulate")
}
