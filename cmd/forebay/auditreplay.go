package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/forebay-go/forebay/cmd/forebay/internal/capture"
	"github.com/forebay-go/forebay/producer"
)

const replayLong = `Send the records of a capture again, through a producer with the settings of
the file. The capture is one that "forebay audit record" has written; - means standard input. The
settings file needs only clusters; a section "audit" is not used.

Speed. Each record is due at its time after the first one, divided by --speed. That does not depend
on Kafka: a record that is late is sent at once, and one that the buffer has no room for is lost, as
an application would lose it. With --speed max, records follow each other as fast as Kafka takes
them, and wait for room. A time without records that takes longer than --max-gap is left out: one
record with a timestamp years ahead does not stop the replay. Progress and result count such gaps.

Records. They keep their key, value and headers, and go to the topic of the same name, or to another
with --map. Their key decides the partition, unless --keep-partitions is set. Their timestamp is the
time of sending; the recorded one is in the header ` + capture.TimeHeader + `. The header of
the audit is taken out: an audited record would count twice.

Result. A line on standard output says how many records were read, sent, delivered and lost, for
which reasons, and how late the latest one was sent.

Interrupts. Ctrl-C (or SIGTERM) stops sending. Records that are sent have 30 seconds to be
delivered. A second Ctrl-C, at least half a second later, gives them up at once.

Exit codes:
  0    every record of the capture was delivered
  1    the command could not do its work, the settings file is wrong, or the capture is damaged
  2    the command line is wrong
  3    some records were not delivered
  130  interrupted before the end of the capture`

// replayFlags holds the flags of audit replay.
type replayFlags struct {
	speedText      string
	speed          float64 // 0: max
	rename         map[string]string
	keepPartitions bool
	maxGap         time.Duration
}

func newAuditReplay() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay [flags] file capture",
		Short: "Send the records of a capture again",
		Long:  replayLong,
		Example: "  forebay audit replay --map plays=plays-copy audit.yaml plays.zst\n" +
			"  forebay audit replay --speed 10 audit.yaml plays.zst\n" +
			"  forebay audit replay --speed max --keep-partitions audit.yaml plays.zst",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("%d file names given: name one settings file and one capture",
					len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return f.run(cmd, args[0], args[1])
		},
	}
	set := cmd.Flags()
	set.StringVar(&f.speedText, "speed", "1",
		"how many `times` as fast as recorded; max: as fast as it goes")
	set.StringToStringVar(&f.rename, "map", nil,
		"send records of a topic to another: `from=to`[,from=to...]")
	set.BoolVar(&f.keepPartitions, "keep-partitions", false,
		"send to the recorded partitions (default: the key decides)")
	set.DurationVar(&f.maxGap, "max-gap", time.Hour,
		"leave out a longer `time` between two records; 0: wait for all")
	set.Lookup("map").DefValue = "" // the help would show []
	set.SortFlags = false
	cmd.DisableFlagsInUseLine = true
	return cmd
}

// mostSpeed bounds --speed: a capture of a year takes half a minute then.
const mostSpeed = 1e6

// check reads the flags. The error has every mistake.
func (f *replayFlags) check() error {
	var wrong []error
	if f.speed = 0; f.speedText != "max" {
		n, err := strconv.ParseFloat(f.speedText, 64)
		if err != nil || math.IsNaN(n) || n <= 0 || n > mostSpeed {
			wrong = append(wrong, fmt.Errorf("--speed: %q: write a number above 0 and up to %d, "+
				"such as 1 or 2.5, or max", f.speedText, int(mostSpeed)))
		}
		f.speed = n
	}
	for _, from := range slices.Sorted(maps.Keys(f.rename)) {
		to := producer.Record{Topic: f.rename[from]}
		if err, ok := errors.AsType[*producer.SendError](to.Check()); ok {
			wrong = append(wrong, fmt.Errorf("--map: %s=%s: %s", from, to.Topic, err.Hint))
		}
	}
	if f.maxGap < 0 {
		wrong = append(wrong, fmt.Errorf("--max-gap: %v: write a time such as 1h, or 0", f.maxGap))
	}
	return errors.Join(wrong...)
}

// topics returns the topics that records of the capture go to.
func (f *replayFlags) topics(header capture.Header) ([]string, error) {
	for _, from := range slices.Sorted(maps.Keys(f.rename)) {
		if !header.Has(from) {
			return nil, fmt.Errorf("--map: %q is not among the topics of the capture: write %s",
				from, strings.Join(header.Topics, " or "))
		}
	}
	topics := make([]string, len(header.Topics))
	for i, topic := range header.Topics {
		topics[i] = topic
		if to, ok := f.rename[topic]; ok {
			topics[i] = to
		}
	}
	return topics, nil
}
