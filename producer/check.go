package producer

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/similar"
	"github.com/forebay-go/forebay/routing"
)

// checker fills in defaults and collects what is wrong in a config.
type checker struct{ errs []error }

func (c *checker) fail(field, format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
}

// Complete returns cfg with its defaults filled in: what a producer of it works with, for those who
// want to show that. New and Reconfigure do the same by themselves, and take what Complete returns
// as well. The error is that of New with opts.
func (cfg Config) Complete(opts ...Option) (Config, error) {
	o := new(options)
	o.apply(opts)
	full, _, err := o.complete(cfg)
	return full.explicit(), err
}

// explicit returns a complete c that says of nothing that it has its default.
func (cfg Config) explicit() Config {
	if cfg.Batching.Linger == 0 {
		cfg.Batching.Linger = NoLinger
	}
	for _, priority := range routing.All {
		if pc := cfg.Priorities.of(priority); pc.GuaranteedShare == 0 {
			pc.GuaranteedShare = NoGuarantee
		}
	}
	return cfg
}

// complete returns cfg with its defaults filled in, beside what the options say, and the table of
// its rules. The error names every field that is wrong and what to write instead.
func (o *options) complete(cfg Config) (Config, *routing.Table, error) {
	c := new(checker)
	defaultTo(&cfg.ClientID, "forebay")
	cfg = cfg.clone()
	c.clusters(cfg.Clusters, o)
	c.named(o, cfg.Clusters)
	for _, p := range routing.All {
		c.priority(cfg.Priorities.of(p), p, cfg.Clusters)
	}
	c.guarantees(&cfg.Priorities)
	c.buffer(&cfg)
	c.batching(&cfg.Batching, cfg.Buffer.MaxBytes)
	table := c.topics(&cfg)
	c.routes(&cfg)
	c.room(&cfg)
	c.resolver(&cfg.Resolver)
	if len(c.errs) > 0 {
		return cfg, nil, fmt.Errorf("forebay: wrong configuration:\n%w", errors.Join(c.errs...))
	}
	return cfg, table, nil
}

func defaultTo[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// of returns the settings of one priority.
func (c *PrioritiesConfig) of(p routing.Priority) *PriorityConfig {
	switch p {
	case routing.Low:
		return &c.Low
	case routing.Medium:
		return &c.Medium
	default:
		return &c.High
	}
}

func (c *checker) clusters(clusters map[string]ClusterConfig, o *options) {
	if len(clusters) == 0 {
		c.fail("clusters", "none: name at least one cluster and its brokers")
	}
	for _, name := range sortedNames(clusters) {
		field := "clusters." + name
		if strings.TrimSpace(name) == "" {
			c.fail("clusters", "a cluster has the name %q: give it one that can be read", name)
		}
		cc := clusters[name]
		brokers := cc.Brokers // cloned
		if len(brokers) == 0 {
			c.fail(field+".brokers", "none: list one broker or more as host:port")
		}
		for i, addr := range brokers {
			addr = strings.TrimSpace(addr)
			brokers[i] = addr
			if err := checkAddr(addr); err != nil {
				c.fail(fmt.Sprintf("%s.brokers[%d]", field, i),
					"%q: %v: write host:port, such as \"kafka-1:9092\"", withoutUser(addr), err)
			}
		}
		if strings.ContainsFunc(cc.ClusterID, unicode.IsSpace) {
			c.fail(field+".cluster_id", "%q: write it without white space, as the brokers tell it",
				cc.ClusterID)
		}
		if cc.ProducerIDExpiration < 0 {
			c.fail(field+".producer_id_expiration",
				"%v: write what producer.id.expiration.ms of the brokers says, or 0 for "+
					"24h", cc.ProducerIDExpiration)
		}
		if cc.MaxBrokers < -1 {
			c.fail(field+".max_brokers",
				"%d: write a number of brokers, -1 for all, or 0 for 8 of more than 16 and "+
					"otherwise all", cc.MaxBrokers)
		}
		defaultTo(&cc.ProbeMax, cluster.ProbeMax)
		if cc.ProbeMax < 100*time.Millisecond || cc.ProbeMax > 10*time.Minute {
			c.fail(field+".probe_max", "%v: write a time from 100ms to 10m, or 0 for %v",
				cc.ProbeMax, cluster.ProbeMax)
		}
		c.createTopics(field+".create_topics", cc.CreateTopics)
		c.security(field, name, &cc, o)
		clusters[name] = cc
	}
}

func (c *checker) createTopics(field string, ct CreateTopicsConfig) {
	if ct.Partitions < 0 {
		c.fail(field+".partitions", "%d: write 1 or more, or 0 for the brokers' default",
			ct.Partitions)
	}
	if ct.ReplicationFactor < 0 {
		c.fail(field+".replication_factor", "%d: write 1 or more, or 0 for the brokers' default",
			ct.ReplicationFactor)
	}
}

// withoutUser returns addr without what may be a password before the host, as in a URL.
func withoutUser(addr string) string {
	if i := strings.LastIndex(addr, "@"); i >= 0 {
		return "…" + addr[i:]
	}
	return addr
}

func checkAddr(addr string) error {
	switch scheme, _, is := strings.Cut(addr, "://"); {
	case is:
		return fmt.Errorf("remove %s:// from it", scheme)
	case strings.Contains(addr, ","):
		return errors.New("several brokers in one item: make each an item of its own")
	}
	if i := strings.IndexFunc(addr, notInAddr); i >= 0 {
		r, _ := utf8.DecodeRuneInString(addr[i:])
		return fmt.Errorf("a host name cannot contain %q", r)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		if ae, ok := errors.AsType[*net.AddrError](err); ok {
			return errors.New(ae.Err)
		}
		return err
	}
	if host == "" {
		return errors.New("no host")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("the port is not a number from 1 to 65535")
	}
	return nil
}

// notInAddr reports whether neither the name of a host nor an address has r in it. Names in other
// scripts are the resolver's affair.
func notInAddr(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) ||
		strings.ContainsRune("/\\'\"`@?#&=;<>()|*$!^~{}", r)
}

func (c *checker) priority(pc *PriorityConfig, p routing.Priority,
	clusters map[string]ClusterConfig) {
	field := "priorities." + p.String()
	if pc.Cluster != "" {
		c.known(field+".cluster", pc.Cluster, clusters)
	}
	if pc.Cluster == "" {
		if _, ok := clusters[p.String()]; ok {
			pc.Cluster = p.String()
		} else if len(clusters) == 1 {
			pc.Cluster = sortedNames(clusters)[0]
		}
	}
	c.fallbacks(field, pc, clusters)
	timeouts := map[routing.Priority]time.Duration{routing.Low: 2 * time.Minute,
		routing.Medium: 10 * time.Minute, routing.High: time.Hour}
	defaultTo(&pc.DeliveryTimeout, timeouts[p])
	if pc.DeliveryTimeout < time.Second || pc.DeliveryTimeout > longest {
		c.fail(field+".delivery_timeout", "%v: write 1s to %s, or 0 for %v", pc.DeliveryTimeout,
			aYear, timeouts[p])
	}
	shares := map[routing.Priority]float64{routing.Low: 0.05, routing.Medium: 0.2}
	defaultTo(&pc.WireShare, shares[p])
	if !(pc.WireShare >= 0 && pc.WireShare <= 0.5) {
		c.fail(field+".wire_share", "%v: write a fraction up to 0.5, or 0 for %v", pc.WireShare,
			shares[p])
	}
	moves := map[routing.Priority]time.Duration{routing.Low: 2 * time.Second,
		routing.Medium: 10 * time.Second, routing.High: Never}
	defaultTo(&pc.MoveUnresolvedAfter, moves[p])
	if outside(pc.MoveUnresolvedAfter) && pc.MoveUnresolvedAfter != Never {
		c.fail(field+".move_unresolved_after",
			"%v: write a positive time up to %s, or -1 for never", pc.MoveUnresolvedAfter, aYear)
	}
	c.shares(field, pc, p)
	defaultTo(&pc.WhenFull, refuseNewest)
	c.oneOf(field+".when_full", &pc.WhenFull, refuseNewest, dropOldest)
}

// routes checks that records have somewhere to go: those that a rule gives a priority, and those of
// the default. A priority that only records themselves name may have no cluster.
func (c *checker) routes(cfg *Config) {
	if len(cfg.Clusters) == 0 {
		return
	}
	everyTopic := false
	for i, rule := range cfg.Topics {
		everyTopic = everyTopic || rule.Topic == "*"
		if rule.Priority.Valid() && cfg.Priorities.of(rule.Priority).Cluster == "" {
			c.fail(fmt.Sprintf("topics[%d].priority", i),
				"%v has no cluster: set priorities.%[1]v.cluster to one of %s%s",
				rule.Priority, strings.Join(sortedNames(cfg.Clusters),
					", "), misnamed(rule.Priority, cfg.Clusters))
		}
	}
	if def := routing.Medium; !everyTopic && cfg.Priorities.of(def).Cluster == "" {
		c.fail("priorities.medium.cluster",
			"not set, and medium is the default priority: write one of %s%s",
			strings.Join(sortedNames(cfg.Clusters), ", "), misnamed(def, cfg.Clusters))
	}
}

// misnamed says which cluster may have been meant to have the name of a priority, and so to serve
// it.
func misnamed(p routing.Priority, clusters map[string]ClusterConfig) string {
	if meant := similar.Name(p.String(), sortedNames(clusters)); meant != "" {
		return fmt.Sprintf("; or is %q to be called %q?", meant, p.String())
	}
	return ""
}

// shares fills in and checks what a priority may hold of the memory. No comparison is true of NaN.
func (c *checker) shares(field string, pc *PriorityConfig, p routing.Priority) {
	defaultTo(&pc.CeilingShare, 1)
	if !(pc.CeilingShare > 0 && pc.CeilingShare <= 1) {
		c.fail(field+".ceiling_share",
			"%v: write a part of buffer.max_bytes up to 1, or 0 for all of it", pc.CeilingShare)
		return
	}
	switch {
	case pc.GuaranteedShare == NoGuarantee:
		pc.GuaranteedShare = 0
	case pc.GuaranteedShare == 0 && p != routing.High:
		pc.GuaranteedShare = min(1.0/16, pc.CeilingShare)
	case !(pc.GuaranteedShare >= 0 && pc.GuaranteedShare <= pc.CeilingShare):
		c.fail(field+".guaranteed_share",
			"%v: write a part of buffer.max_bytes up to %v, its ceiling_share; 0 for the "+
				"default, or -1 for none",
			pc.GuaranteedShare, pc.CeilingShare)
	}
}

// guarantees checks that all guarantees can be kept at once.
func (c *checker) guarantees(pcs *PrioritiesConfig) {
	sum := pcs.Low.GuaranteedShare + pcs.Medium.GuaranteedShare + pcs.High.GuaranteedShare
	if sum > 1 {
		c.fail("priorities",
			"the guaranteed shares are %v together (low %v, medium %v, high %v): lower them to "+
				"1 or less, -1 is none",
			sum, pcs.Low.GuaranteedShare, pcs.Medium.GuaranteedShare, pcs.High.GuaranteedShare)
	}
}

// fallbacks checks where a priority goes when its cluster is down.
func (c *checker) fallbacks(field string, pc *PriorityConfig, clusters map[string]ClusterConfig) {
	used := map[string]bool{pc.Cluster: true}
	for i, f := range pc.Fallbacks {
		field := fmt.Sprintf("%s.fallbacks[%d]", field, i)
		if err := f.Check(field); err != nil {
			c.errs = append(c.errs, err)
		}
		if c.known(field+".cluster", f.Cluster, clusters) && used[f.Cluster] {
			c.fail(field+".cluster", "%q is in the order already: name each cluster once",
				f.Cluster)
		}
		used[f.Cluster] = true
	}
	defaultTo(&pc.FallbackAfter, 5*time.Second)
	defaultTo(&pc.ReturnAfter, 30*time.Second)
	defaultTo(&pc.SwitchEvery, time.Minute)
	if outside(pc.FallbackAfter) {
		c.fail(field+".fallback_after", "%v: write a positive time up to %s, or 0 for 5s",
			pc.FallbackAfter, aYear)
	}
	if outside(pc.ReturnAfter) {
		c.fail(field+".return_after", "%v: write a positive time up to %s, or 0 for 30s",
			pc.ReturnAfter, aYear)
	}
	if outside(pc.SwitchEvery) {
		c.fail(field+".switch_every", "%v: write a positive time up to %s, or 0 for 1m",
			pc.SwitchEvery, aYear)
	}
}

func (c *checker) batching(b *BatchingConfig, bufferBytes int64) {
	switch {
	case b.Linger == 0:
		b.Linger = 10 * time.Millisecond
	case b.Linger == NoLinger:
		b.Linger = 0
	case b.Linger < 0 || b.Linger > time.Minute:
		c.fail("batching.linger", "%v: write a time up to 1m, or -1 for none", b.Linger)
	}
	if b.MaxLinger != 0 && (b.MaxLinger < b.Linger || b.MaxLinger > time.Minute) {
		c.fail("batching.max_linger",
			"%v: write a time from batching.linger (%v) to 1m, or 0 for no more than that",
			b.MaxLinger, b.Linger)
	}
	defaultTo(&b.MaxBytes, int(max(1<<10, min(1_000_000, bufferBytes/4))))
	if b.MaxBytes < leastBatch || b.MaxBytes > mostBatch {
		c.fail("batching.max_bytes", "%d: write 1024 to 16777216, or 0 for 1000000", b.MaxBytes)
	}
	defaultTo(&b.MaxRecordBytes, 1_000_000)
	if b.MaxRecordBytes < 0 || b.MaxRecordBytes > 64<<20 {
		c.fail("batching.max_record_bytes", "%d: write 1 to 67108864, or 0 for 1000000",
			b.MaxRecordBytes)
	}
	defaultTo(&b.Compression, "none")
	defaultTo(&b.Partitioner, sticky)
	c.oneOf("batching.partitioner", &b.Partitioner, sticky, roundRobin)
	c.codec("batching.compression", &b.Compression)
	c.level("batching", b.Compression, b.CompressionLevel)
	defaultTo(&b.Acks, "all")
	c.acks("batching.acks", &b.Acks)
}

// oneOf checks that value is one of the allowed words, and makes it that word where it is spelt as
// Kafka does: SCRAM_SHA_512, ZSTD.
func (c *checker) oneOf(field string, value *string, allowed ...string) {
	for _, word := range allowed {
		if strings.EqualFold(strings.ReplaceAll(*value, "_", "-"),
			strings.ReplaceAll(word, "_", "-")) {
			*value = word
			return
		}
	}
	c.fail(field, "%q: write one of %s", *value, strings.Join(allowed, ", "))
}

func (c *checker) buffer(cfg *Config) {
	b := &cfg.Buffer
	defaultTo(&b.MaxBytes, 64<<20)
	defaultTo(&b.MaxTopics, 10_000)
	if b.MaxTopics < 0 {
		c.fail("buffer.max_topics", "%d: write 1 or more, or 0 for 10000", b.MaxTopics)
	}
	defaultTo(&cfg.Reports.MaxBytes, b.MaxBytes/2)
	if cfg.Reports.MaxBytes < 0 {
		c.fail("reports.max_bytes", "%d: write 1 or more, or 0 for half of buffer.max_bytes",
			cfg.Reports.MaxBytes)
	}
}

func (c *checker) resolver(r *ResolverConfig) {
	defaultTo(&r.RefreshEvery, 30*time.Second)
	defaultTo(&r.StaleFor, max(24*time.Hour, r.RefreshEvery))
	if r.RefreshEvery < time.Second || r.RefreshEvery > longest {
		c.fail("resolver.refresh_every", "%v: write 1s to %s, or 0 for 30s", r.RefreshEvery, aYear)
		return
	}
	if r.StaleFor < r.RefreshEvery || r.StaleFor > longest {
		c.fail("resolver.stale_for",
			"%v: write a time from resolver.refresh_every (%v) to %s, or 0 for "+
				"24h", r.StaleFor, r.RefreshEvery, aYear)
	}
}

// aYear is longest as messages have it.
const aYear = "8760h (365 days)"

// outside reports whether a setting that is a time is negative, or longer than any may be.
func outside(d time.Duration) bool { return d < 0 || d > longest }

// room checks that what the buffer has to hold fits into it.
func (c *checker) room(cfg *Config) {
	b := &cfg.Buffer
	if least := max(1<<20, 4*int64(cfg.Batching.MaxBytes)); b.MaxBytes < least {
		c.fail("buffer.max_bytes", "%d: write %d or more: 1 MiB, and four times batching.max_bytes",
			b.MaxBytes, least)
	} else if b.MaxBytes < int64(cfg.Batching.MaxRecordBytes)+tables {
		c.fail("buffer.max_bytes",
			"%d: a record of batching.max_record_bytes (%d) would never fit: raise the one or "+
				"lower the other",
			b.MaxBytes, cfg.Batching.MaxRecordBytes)
	}
}

// known checks that there is a cluster of that name, and reports whether there is.
func (c *checker) known(field, name string, clusters map[string]ClusterConfig) bool {
	_, ok := clusters[name]
	if ok || len(clusters) == 0 {
		return ok
	}
	names := sortedNames(clusters)
	if meant := similar.Name(name, names); meant != "" {
		c.fail(field, "there is no cluster %q: did you mean %q?", name, meant)
	} else {
		c.fail(field, "there is no cluster %q: write one of %s", name, strings.Join(names, ", "))
	}
	return false
}

// tables is room for what the largest record needs beside its bytes: rounding, its batch, its
// topic.
const tables = 16 << 10

func sortedNames(clusters map[string]ClusterConfig) []string {
	names := make([]string, 0, len(clusters))
	for name := range clusters {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
