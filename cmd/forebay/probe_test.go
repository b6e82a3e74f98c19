package main

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheck_AsksTheClusters(t *testing.T) {
	broker := newFake(t)
	path := settingsFile(t,
		fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\ntopics: [{topic: not.there, priority: "+
			"low}]\n", broker.addr))
	var out bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"config", "check", "--probe", "--topic", topic,
		path}, nil, &out, io.Discard))
	require.Regexp(t, `(?m)^ok +kafka +`+broker.addr+` +answers$`, out.String())
	require.Regexp(t, `(?m)^wrong +kafka +not.there +does not exist: records for it wait`,
		out.String())
	require.Regexp(t, `(?m)^ok +kafka +lines +exists, 3 partitions$`, out.String())
	require.Contains(t, out.String(), " found\n")
	require.Equal(t, exitUsage, run(t.Context(),
		[]string{"config", "check", "--topic", topic, path}, nil, &out, io.Discard))
}
