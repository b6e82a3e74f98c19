//go:build unix

package kafkatest

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// toolLimit bounds one run of a Java program.
const toolLimit = 3 * time.Minute

//go:embed Partitions.java
var partitionsSource []byte

// ConsoleConsume returns what Kafka's own console consumer prints for all that is in a topic at the
// time of the call: by default the values, one a line, the partitions in no fixed order. The extra
// arguments go to the tool as they are, such as "--property", "print.key=true". An empty topic
// gives "" without starting the tool. It takes about two seconds.
func (c *Cluster) ConsoleConsume(t testing.TB, topic string, extra ...string) string {
	t.Helper()
	k := needKit(t)
	var records int64
	c.admin(t, "count the records of "+topic, func(ctx context.Context, adm *kadm.Client) error {
		spans, err := logSpans(ctx, adm, topic)
		for _, s := range spans {
			records += s.end - s.start
		}
		return err
	})
	if records == 0 {
		return ""
	}
	args := []string{"--bootstrap-server", strings.Join(c.Seeds(), ","), "--topic", topic}
	for _, def := range [][]string{
		{"--from-beginning"},
		{"--max-messages", strconv.FormatInt(records, 10)},
		// For logs with fewer records than offsets: the tool then gives up by itself, having
		// printed all there is. On a busy machine its first record takes longer than ten seconds.
		{"--timeout-ms", "90000"},
	} {
		if !slices.Contains(extra, def[0]) { // the tool refuses an option given twice
			args = append(args, def...)
		}
	}
	args = append(args, extra...)
	return runTool(t, k.javaCommand(nil, "org.apache.kafka.tools.consumer.ConsoleConsumer",
		args...), nil)
}

// JavaPartitions returns, for each key, the partition out of so many that Kafka's Java producer
// picks. It runs that producer's own code, all keys in one JVM, and takes about two seconds
// whatever their number. It needs no cluster.
func JavaPartitions(t testing.TB, keys [][]byte, partitions int) []int32 {
	t.Helper()
	k := needKit(t)
	source := filepath.Join(t.TempDir(), "Partitions.java")
	if err := os.WriteFile(source, partitionsSource, 0o600); err != nil {
		t.Fatalf("kafkatest: write a Java program: %v", err)
	}
	var in bytes.Buffer
	for _, key := range keys {
		fmt.Fprintln(&in, hex.EncodeToString(key))
	}
	lines := strings.Fields(runTool(t, k.javaCommand(nil, source, strconv.Itoa(partitions)), &in))
	if len(lines) != len(keys) {
		t.Fatalf("kafkatest: Java answered %d partitions for %d keys", len(lines), len(keys))
	}
	picked := make([]int32, 0, len(keys))
	for _, line := range lines {
		p, err := strconv.ParseInt(line, 10, 32)
		if err != nil {
			t.Fatalf("kafkatest: read Java's answer: %v", err)
		}
		picked = append(picked, int32(p))
	}
	return picked
}

// Java returns the path of the java command, and the class path of Kafka's jars, for a Java program
// of the caller's own.
func Java(t testing.TB) (java, classPath string) {
	t.Helper()
	k := needKit(t)
	return k.java, k.classPath
}

// runTool runs a Java program and returns what it wrote to its standard output.
func runTool(t testing.TB, cmd *exec.Cmd, in *bytes.Buffer) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), toolLimit)
	defer cancel()
	var out, errOut bytes.Buffer
	if in != nil {
		cmd.Stdin = in
	}
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := runProcess(ctx, cmd); err != nil {
		t.Fatalf("kafkatest: %s: %v\n%s%s", filepath.Base(cmd.Path), err, out.String(),
			errOut.String())
	}
	return out.String()
}
