package fleet

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// The largest values that a fleet may have. They keep every figure finite.
const (
	maxInstances  = 10_000_000
	maxBrokers    = 100_000
	maxPartitions = 1_000_000
	maxCount      = 100_000
	maxRate       = 1e12
	maxBuffer     = 1 << 40
)

// check notes what is wrong with f that its types allow.
func (r *reader) check(f *Fleet) {
	r.whole("instances", f.Instances, 1, maxInstances, "how many processes send, such as 1000")
	r.whole("brokers", f.Brokers, 1, maxBrokers, "how many brokers the cluster has, such as 12")
	if f.Brokers > 0 {
		r.whole("zones", f.Zones, 1, f.Brokers, "")
	}
	if len(f.Topics) == 0 && r.places["topics"] == nil {
		r.fail(nil, "topics", "not set: write a list with one topic or more, such as "+
			"\"- records_per_second: 1000\"")
	} else if len(f.Topics) == 0 {
		r.fail(r.places["topics"], "topics", "empty: write one topic or more, such as "+
			"\"- records_per_second: 1000\"")
	}
	for i := range f.Topics {
		r.checkTopic(&f.Topics[i], fmt.Sprintf("topics[%d]", i), max(1, f.Brokers))
	}
	r.duration("outage", f.Outage, 0, 365*24*time.Hour)
	r.checkSettings(&f.Settings)
	r.number("broker.cores", f.Broker.Cores, 0.1, 4096)
	r.size("broker.produce_bytes_per_second", f.Broker.ProduceBytesPerSecond, 1000, maxBuffer)
	r.whole("limits.connections", f.Limits.Connections, 1, maxInstances, "")
	r.number("limits.new_connections_per_second", f.Limits.NewConnections, 0.01, maxRate)
}

func (r *reader) checkTopic(t *Topic, path string, brokers int) {
	r.whole(path+".count", t.Count, 1, maxCount, "")
	r.size(path+".record_bytes", t.RecordBytes, 1, 64<<20)
	if ratio := t.CompressionRatio; ratio > 0 && ratio < 1 {
		field := path + ".compression_ratio"
		r.fail(r.places[field], field, "%v: write the size before compression divided by the "+
			"size after it: %.3g if %v is left, 1 for no compression", ratio, 1/ratio,
			percent(ratio))
	}
	r.number(path+".compression_ratio", t.CompressionRatio, 1, 1000)
	if t.Partitions != unset || r.places[path+".partitions"] != nil {
		r.whole(path+".partitions", t.Partitions, 1, maxPartitions, "")
	}
	if t.Replicas != unset || r.places[path+".replicas"] != nil {
		r.whole(path+".replicas", t.Replicas, 1, brokers, "")
	}
	fleet, one := path+".records_per_second", path+".instance_records_per_second"
	switch {
	case r.places[fleet] != nil && r.places[one] != nil:
		r.fail(r.places[one], one, "records_per_second is set too: keep one of them")
	case r.places[fleet] == nil && r.places[one] == nil:
		r.fail(r.places[path], fleet, "not set: write the rate of the whole fleet, such as 8M, or "+
			"instance_records_per_second, that of one instance")
	case r.places[fleet] != nil:
		r.number(fleet, t.RecordsPerSecond, 0, maxRate)
	default:
		r.number(one, t.InstanceRecordsPerSecond, 0, maxRate)
	}
}

func (r *reader) checkSettings(s *Settings) {
	r.duration("settings.linger", s.Linger, 0, time.Minute)
	r.duration("settings.max_linger", s.MaxLinger, 0, time.Minute)
	if s.MaxLinger > 0 && s.MaxLinger < s.Linger {
		r.fail(r.places["settings.max_linger"], "settings.max_linger", "%s: write linger (%s) or "+
			"more, or leave it out", DurationText(s.MaxLinger), DurationText(s.Linger))
	}
	r.size("settings.batch_bytes", s.BatchBytes, 1<<10, 16<<20)
	r.size("settings.buffer_bytes", s.BufferBytes, max(1<<20, 4*s.BatchBytes), maxBuffer)
	r.whole("settings.max_brokers", s.MaxBrokers, AllBrokers, maxBrokers, "")
	r.duration("settings.probe_max", s.ProbeMax, 100*time.Millisecond, 10*time.Minute)
	r.duration("settings.ack_latency", s.AckLatency, 100*time.Microsecond, time.Minute)
	for name, d := range map[string]time.Duration{"high": s.DeliveryTimeout.High,
		"medium": s.DeliveryTimeout.Medium, "low": s.DeliveryTimeout.Low} {
		r.duration("settings.delivery_timeout."+name, d, time.Second, 365*24*time.Hour)
	}
}

// whole notes if a number is out of its range. what says what to write if it is missing.
func (r *reader) whole(field string, n, least, most int, what string) {
	if n == unset && r.places[field] == nil {
		r.fail(nil, field, "not set: write %s", what)
		return
	}
	if n < least || n > most {
		r.outside(field, humanize.Comma(int64(n)), strconv.Itoa(least), strconv.Itoa(most))
	}
}

func (r *reader) number(field string, f, least, most float64) {
	if !(f >= least && f <= most) {
		r.outside(field, humanize.Ftoa(f), humanize.Ftoa(least), humanize.Ftoa(most))
	}
}

func (r *reader) size(field string, n, least, most int64) {
	if n < least || n > most {
		r.outside(field, strconv.FormatInt(n, 10)+" bytes", sizeText(least), sizeText(most))
	}
}

func (r *reader) duration(field string, d, least, most time.Duration) {
	if d < least || d > most {
		r.outside(field, d.String(), DurationText(least), DurationText(most))
	}
}

func (r *reader) outside(field, is, least, most string) {
	r.fail(r.places[field], field, "%s: write a value from %s to %s", is, least, most)
}

// sizeText returns a size as a file may have it.
func sizeText(n int64) string {
	for _, unit := range []struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10},
		{"kB", 1e3}} {
		if n >= unit.size && n%unit.size == 0 {
			return strconv.FormatInt(n/unit.size, 10) + unit.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// DurationText returns a time as a file may have it: 10m, not 10m0s.
func DurationText(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
