//go:build linux

package main

import (
	"bytes"
	"flag"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/test/kafkatest"
)

var measureInto = flag.String("measure-into", "", "measure anew, and write this coefficients file")

// TestKafka_MeasuresTheFileOfThisBuild does what its flag says, and nothing without it:
//
//	go test -run TestKafka_MeasuresTheFile -measure-into internal/fleet/measured.json .
func TestKafka_MeasuresTheFileOfThisBuild(t *testing.T) {
	if *measureInto == "" {
		t.Skip("it takes two minutes of a quiet machine; -measure-into asks for it")
	}
	cluster := kafkatest.Start(t, kafkatest.Brokers(3), kafkatest.Heap(1024))
	var pids []string
	for _, broker := range cluster.Brokers() {
		pids = append(pids, strconv.Itoa(broker.PID()))
	}
	var out bytes.Buffer
	code := run(t.Context(), []string{"plan", "calibrate",
		"--brokers", strings.Join(cluster.Seeds(), ","), "--kafka", "4.1.0",
		"--pid", strings.Join(pids, ","), "--machine", "2 shared AMD EPYC cores",
		"--file", *measureInto}, nil, &out, &out)
	t.Log(out.String())
	require.Zero(t, code)
}
