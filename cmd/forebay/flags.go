package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/forebay-go/forebay/routing"
)

// flags holds the values of the flags of produce.
type flags struct {
	file            string // the settings file; "" if the flags are all there is
	brokers         []string
	topic           string
	priority        routing.Priority
	keySeparator    string
	headers         headers
	rate            float64 // records a second; 0: as many as Kafka takes
	raw             bool
	compression     string
	acks            string
	linger          time.Duration
	buffer          byteSize
	deliveryTimeout time.Duration
	closeTimeout    time.Duration
	quiet           bool
}

func (f *flags) register(set *pflag.FlagSet) {
	set.StringSliceVar(&f.brokers, "brokers", nil,
		"one or more brokers, as `host:port`[,host:port...] (required without --config)")
	set.StringVar(&f.file, "config", "",
		"a YAML settings `file`, instead of --brokers; other flags override it")
	set.StringVar(&f.topic, "topic", "", "the `name` of an existing topic (required)")
	set.TextVar(&f.priority, "priority", routing.Medium,
		"the `priority` of the records: low, medium or high")
	set.StringVar(&f.keySeparator, "key-separator", "",
		"the key is the text before the first `separator` of a line; \\t means a tab")
	set.Var(&f.headers, "header",
		"a header of every record, as `name=value`; repeat the flag for several headers")
	set.Float64Var(&f.rate, "rate", 0,
		"send at most `n` records a second, evenly; without it, as fast as Kafka takes them")
	set.BoolVar(&f.raw, "raw", false,
		"send lines byte for byte: no decompression, no conversion, binary data allowed")
	f.registerDelivery(set)
	set.BoolVar(&f.quiet, "quiet", false,
		"show no progress, and no summary when everything was delivered")
}

// registerDelivery registers the flags that say how records are batched and delivered.
func (f *flags) registerDelivery(set *pflag.FlagSet) {
	f.buffer = 64 << 20
	set.StringVar(&f.compression, "compression", "none",
		"the `codec` that compresses batches: none, gzip, snappy, lz4 or zstd")
	set.StringVar(&f.acks, "acks", "all",
		"`who` must acknowledge a record: all in-sync replicas (all), or only the leader (leader)")
	set.DurationVar(&f.linger, "linger", 10*time.Millisecond,
		"how long a batch waits for more lines; 0 sends at once")
	set.Var(&f.buffer, "buffer",
		"the memory for undelivered records; reading pauses while it is full")
	set.DurationVar(&f.deliveryTimeout, "delivery-timeout", time.Hour,
		"give up a record that was not delivered within this time")
	set.DurationVar(&f.closeTimeout, "close-timeout", 30*time.Second,
		"after Ctrl-C, how long lines already read may take to be delivered")
}

// check returns what is wrong with flags that producer.New does not check: it fills in a default
// for some of them and never sees the others.
func (f *flags) check(changed func(flag string) bool) error {
	var errs []error
	wrong := func(flag, hint string) { errs = append(errs, fmt.Errorf("--%s: %s", flag, hint)) }
	switch {
	case f.file != "" && changed("brokers"):
		wrong("brokers", "the file of --config names the brokers: remove one of the two flags")
	case f.file == "" && len(f.brokers) == 0:
		wrong("brokers", "not set: name one broker or more, such as --brokers kafka-1:9092")
	}
	if f.topic == "" {
		wrong("topic", "not set: write the topic to send to, such as --topic plays")
	}
	if f.keySeparator == "" && changed("key-separator") {
		wrong("key-separator", "empty: write the text between key and value, or remove the flag")
	}
	if changed("rate") && !validRate(f.rate) {
		wrong("rate", fmt.Sprintf("%v: write a number above 0 and up to 1e9, such as 500 or 0.5, "+
			"or remove the flag", f.rate))
	}
	if f.linger < 0 || f.linger > time.Minute {
		wrong("linger", fmt.Sprintf("%v: write a time up to 1m, or 0 to send at once", f.linger))
	}
	if f.deliveryTimeout < time.Second || f.deliveryTimeout > 365*24*time.Hour {
		wrong("delivery-timeout", fmt.Sprintf("%v: write a time from 1s to 8760h",
			f.deliveryTimeout))
	}
	if f.closeTimeout < 0 {
		wrong("close-timeout", fmt.Sprintf("%v: write 0 or a positive time, such as 30s",
			f.closeTimeout))
	}
	return errors.Join(errs...)
}

// separator returns the key separator; it is empty if lines have no keys.
func (f *flags) separator() []byte {
	return []byte(strings.ReplaceAll(f.keySeparator, `\t`, "\t"))
}
