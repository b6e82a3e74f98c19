//go:build unix

package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// The clock of one instance is wrong by two hours. Nothing is found, nobody seems silent who lives,
// and everybody who reads, with whatever clock, comes to the same account of all instances.
func TestKafka_F21_NothingIsFoundWhenAClockIsWrong(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Brokers(3),
		// by default Kafka 4 refuses records of the future
		kafkatest.Property("log.message.timestamp.after.max.ms", "9223372036854775807"))
	command := buildCommand(t)
	for _, wrong := range []struct {
		name           string
		source, reader time.Duration
	}{
		{"the clock of a source is behind", -2 * time.Hour, 0},
		{"the clock of a source is ahead", 2 * time.Hour, 0},
		{"the clock of a reader is behind", 0, -2 * time.Hour},
		{"the clock of a reader is ahead", 0, 2 * time.Hour},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			s := newStage(t, c)
			reader := s.run(t, command, "reader", audit.Consume, wrong.reader)
			sources := []*instance{s.run(t, command, "source-1", audit.Produce, wrong.source),
				s.run(t, command, "source-2", audit.Produce, 0)}
			f := s.follow(t)
			s.seen(t, f, 1000)
			until(t, f, func(r *audit.Report) bool { return live(r) == 2 && silent(r) == 0 })
			for _, i := range sources {
				require.Zero(t, i.stop(t))
			}
			r := until(t, f, func(r *audit.Report) bool { return decided(r) && closed(r) })
			require.Equal(t, audit.Whole, r.Verdict(), "%+v", r.Total)
			n := r.Total.Numbered
			require.Equal(t, n, r.Total.Seen)
			all := fmt.Sprintf("delivered %d seen %d lost 0", n, n)
			require.Eventually(t, func() bool {
				return strings.Contains(strings.ReplaceAll(reader.said.String(), ",", ""), all)
			}, 2*time.Minute, 10*time.Millisecond, "%s: %s", all, &reader.said)
			require.Zero(t, reader.stop(t))
			printed := reader.report(t)
			require.Equal(t, audit.Whole, printed.Verdict)
			require.Equal(t, n, printed.Report.Total.Numbered, "%+v", printed.Report.Rows)
		})
	}
}

// live returns how many instances have rows that are live.
func live(r *audit.Report) int {
	of := make(map[string]bool)
	for i := range r.Rows {
		if r.Rows[i].Live {
			of[r.Rows[i].Instance] = true
		}
	}
	return len(of)
}

// silent returns how many instances and readers are silent.
func silent(r *audit.Report) (n int) {
	for _, all := range [][]audit.Presence{r.Sources, r.Readers} {
		for _, p := range all {
			if p.Silent {
				n++
			}
		}
	}
	return n
}

func closed(r *audit.Report) bool {
	for i := range r.Rows {
		if !r.Rows[i].Closed {
			return false
		}
	}
	return true
}
