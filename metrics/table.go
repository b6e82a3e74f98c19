package metrics

import (
	"time"

	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/producer"
)

// Table returns every metric, in the order in which somebody may want to read them.
func Table() []Metric {
	var all []Metric
	for _, part := range [...][]Metric{records(), memory(), ways(), clusters(), wire(), names(),
		callbacks(), settings(), perTopic()} {
		all = append(all, part...)
	}
	return all
}

// records say what became of them.
func records() []Metric {
	return []Metric{{
		Name: "forebay_accepted_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"priority"},
		Help:     "Records that Send has accepted.",
		Question: "How much is sent?",
		From:     []string{"Priorities.Accepted"},
		read:     byPriority(func(b *producer.Books) uint64 { return b.Accepted }),
	}, {
		Name: "forebay_records_total", Kind: Counter, Unit: Records, Labels: []string{"priority",
			"outcome"},
		Help: "Accepted records that have an outcome: delivered, shed, expired, rejected or " +
			"possibly_persisted.",
		Question: "What became of it?",
		From: []string{"Priorities.Delivered", "Priorities.Shed", "Priorities.Expired",
			"Priorities.Rejected", "Priorities.PossiblyPersisted"},
		read: func(v *view, emit emit) {
			for priority, books := range v.eachPriority() {
				for outcome, n := range outcomes(&books) {
					emit(float64(n), priority, outcome)
				}
			}
		},
	}, {
		Name: "forebay_lost_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"priority", "reason"},
		Help:     "Accepted records that were not delivered, or not known to be, by the reason.",
		Question: "Is anything lost, and why?",
		From:     []string{"Priorities.lost"},
		read: func(v *view, emit emit) {
			for priority, books := range v.eachPriority() {
				for reason := range delivery.Reasons {
					emit(float64(books.Lost(reason)), priority, label(reason.String()))
				}
			}
		},
	}, {
		Name: "forebay_refused_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"error"},
		Help: "Records that Send did not accept, by its error. They are not among the " +
			"accepted ones.",
		Question: "Does Send refuse anything, and why?",
		From:     []string{"Refused"},
		read: func(v *view, emit emit) {
			for err, n := range v.Refused {
				emit(float64(n), label(err.Error()))
			}
		},
	}, {
		Name: "forebay_no_room_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"priority"},
		Help: "Records that Send did not accept for lack of room. They are among the " +
			"refused ones.",
		Question: "Which priority finds no room?",
		From:     []string{"Priorities.Refused"},
		read:     byPriority(func(b *producer.Books) uint64 { return b.Refused }),
	}, {
		Name: "forebay_pending_records", Kind: Gauge, Unit: Records, Labels: []string{"priority"},
		Help:     "Accepted records that have no outcome yet.",
		Question: "How much waits?",
		From:     []string{"Priorities.Pending"},
		read:     byPriority(func(b *producer.Books) uint64 { return b.Pending }),
	}, {
		Name: "forebay_oldest_record_age_seconds", Kind: Gauge, Unit: Seconds,
		Labels: []string{"priority"},
		Help: "How long ago the oldest record was sent that has no outcome yet; 0 if there " +
			"is none.",
		Question: "How long has it been waiting?",
		From:     []string{"Lanes.Oldest"},
		read:     byLane(func(l *producer.LaneStats) float64 { return l.Oldest.Seconds() }),
	}, {
		Name: "forebay_maybe_duplicated_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"priority"},
		Help: "Accepted records that were written again where the earlier attempt could not " +
			"be ruled out.",
		Question: "How many duplicates may there be?",
		From:     []string{"Priorities.MaybeDuplicated"},
		read:     byPriority(func(b *producer.Books) uint64 { return b.MaybeDuplicated }),
	}}
}

// memory is what is held.
func memory() []Metric {
	return []Metric{{
		Name: "forebay_buffer_bytes", Kind: Gauge, Unit: Bytes, Labels: []string{"priority"},
		Help:     "Bytes held under the bound Buffer.MaxBytes, by the priority that holds them.",
		Question: "How full is the memory, and of what?",
		From:     []string{"Held", "HeldBytes"},
		read: func(v *view, emit emit) {
			for priority, n := range v.Held {
				emit(float64(n), priority.String())
			}
		},
	}, {
		Name: "forebay_buffer_limit_bytes", Kind: Gauge, Unit: Bytes,
		Help:     "The bound Buffer.MaxBytes.",
		Question: "How much may it hold?",
		From:     []string{"MaxBytes"},
		read:     func(v *view, emit emit) { emit(float64(v.MaxBytes)) },
	}, {
		Name: "forebay_overhead_bytes", Kind: Gauge, Unit: Bytes,
		Help: "Bytes held at most beside the bound: buffers kept for reuse, and those of " +
			"requests being written.",
		Question: "How much does it take beside that?",
		From:     []string{"OverheadBytes"},
		read:     func(v *view, emit emit) { emit(float64(v.OverheadBytes)) },
	}, {
		Name: "forebay_shedding", Kind: Gauge, Unit: Condition, Labels: []string{"priority"},
		Help: "1 if records were lost or refused for lack of room within the last ten " +
			"seconds or so, else 0.",
		Question: "Is it losing records for lack of room now?",
		From:     []string{"Lanes.Shedding"},
		read:     byLane(func(l *producer.LaneStats) float64 { return is(l.Shedding) }),
	}}
}

// ways are where priorities go.
func ways() []Metric {
	return []Metric{{
		Name: "forebay_route", Kind: Gauge, Unit: Condition, Labels: []string{"priority",
			"cluster"},
		Help:     "1 for the cluster that the priority goes to, 0 for all others.",
		Question: "Where does it go?",
		From:     []string{"Lanes.Cluster"},
		read: func(v *view, emit emit) {
			for priority, lane := range v.eachLane() {
				for cluster := range v.eachCluster() {
					emit(is(cluster == lane.Cluster), priority, cluster)
				}
			}
		},
	}, {
		Name: "forebay_fell_back", Kind: Gauge, Unit: Condition, Labels: []string{"priority"},
		Help:     "1 if the priority goes to another cluster than its primary, else 0.",
		Question: "Is it on a fallback?",
		From:     []string{"Lanes.FellBack"},
		read:     byLane(func(l *producer.LaneStats) float64 { return is(l.FellBack) }),
	}, {
		Name: "forebay_route_timestamp_seconds", Kind: Gauge, Unit: Seconds,
		Labels:   []string{"priority"},
		Help:     "When the priority began to go where it goes, in seconds since 1970.",
		Question: "Since when?",
		From:     []string{"Lanes.Since"},
		read:     byLane(func(l *producer.LaneStats) float64 { return unix(l.Since) }),
	}, {
		Name: "forebay_switches_total", Kind: Counter, Unit: Times, Labels: []string{"priority"},
		Help: "How often the priority began to go to another cluster, but for changes of " +
			"settings.",
		Question: "Does it flap between clusters?",
		From:     []string{"Lanes.Switches"},
		read:     byLane(func(l *producer.LaneStats) float64 { return float64(l.Switches) }),
	}}
}

// clusters are how they are.
func clusters() []Metric {
	return []Metric{{
		Name: "forebay_cluster_state", Kind: Gauge, Unit: Condition, Labels: []string{"cluster",
			"state"},
		Help: "1 for the state that the cluster is in, 0 for the others: connecting, up, " +
			"degraded, down and closed.",
		Question: "Is Kafka there?",
		From:     []string{"Clusters.State"},
		read: func(v *view, emit emit) {
			for name, c := range v.eachCluster() {
				for state := producer.Connecting; state <= producer.ClusterClosed; state++ {
					emit(is(state == c.State), name, state.String())
				}
			}
		},
	}, {
		Name: "forebay_cluster_state_timestamp_seconds", Kind: Gauge, Unit: Seconds,
		Labels:   []string{"cluster"},
		Help:     "When the cluster came into its state, in seconds since 1970.",
		Question: "Since when?",
		From:     []string{"Clusters.Since"},
		read:     byCluster(func(c *producer.ClusterStats) float64 { return unix(c.Since) }),
	}, {
		Name: "forebay_cluster_changes_total", Kind: Counter, Unit: Times,
		Labels:   []string{"cluster"},
		Help:     "How often the cluster came into another state.",
		Question: "Does it come and go?",
		From:     []string{"Clusters.Changes"},
		read:     byCluster(func(c *producer.ClusterStats) float64 { return float64(c.Changes) }),
	}, {
		Name: "forebay_cluster_unnumbered", Kind: Gauge, Unit: Condition,
		Labels: []string{"cluster"},
		Help: "1 if the cluster refuses a producer ID, so that every retry of an unanswered " +
			"batch may be a duplicate, else 0.",
		Question: "Are duplicates prevented there?",
		From:     []string{"Clusters.Unnumbered"},
		read: byCluster(func(c *producer.ClusterStats) float64 {
			return is(c.Unnumbered != "")
		}),
	}, {
		Name: "forebay_cluster_records", Kind: Gauge, Unit: Records, Labels: []string{"cluster",
			"outcome"},
		Help: "Records by what became of them (also pending), by the cluster. No counter: what " +
			"was lost before it was sent anywhere" +
			" counts for the cluster in use, and moves with it.",
		Question: "What did each cluster get?",
		From: []string{"Clusters.Delivered", "Clusters.Shed", "Clusters.Expired",
			"Clusters.Rejected",
			"Clusters.PossiblyPersisted", "Clusters.Pending"},
		read: func(v *view, emit emit) {
			for name, c := range v.eachCluster() {
				for outcome, n := range outcomes(&c.Books) {
					emit(float64(n), name, outcome)
				}
				emit(float64(c.Pending), name, "pending")
			}
		},
	}, {
		Name: "forebay_troubles", Kind: Gauge, Unit: Condition, Labels: []string{"cluster",
			"cause"},
		Help: "How many troubles have records wait although their cluster answers, by cause: " +
			"one for each topic and priority, or one for" +
			" all topics of a priority. 0 for causes that nothing waits for.",
		Question: "What do records wait for, while Kafka is there?",
		From:     []string{"Troubles.Cause", "Troubles.Cluster"},
		read: func(v *view, emit emit) {
			n := make(map[[2]string]int)
			for i := range v.Troubles {
				n[[2]string{v.Troubles[i].Cluster, string(v.Troubles[i].Cause)}]++
			}
			for name := range v.eachCluster() {
				for _, cause := range producer.Causes() {
					emit(float64(n[[2]string{name, string(cause)}]), name, string(cause))
				}
			}
		},
	}}
}

// wire is what was sent, and how.
func wire() []Metric {
	return []Metric{{
		Name: "forebay_delivery_seconds", Kind: Histogram, Unit: Seconds,
		Labels: []string{"priority", "cluster"},
		Help: "How long records took that were delivered, from the Send of the oldest in their " +
			"batch to Kafka's acknowledgement." +
			" Its count is the number of records delivered there.",
		Question: "How long does delivery take?",
		From:     []string{"Paths.DeliveryTime.Buckets", "Paths.DeliveryTime.Sum"},
		hist: func(v *view, emit func(*producer.Histogram, ...string)) {
			for i := range v.Paths {
				emit(&v.Paths[i].DeliveryTime, v.Paths[i].Priority.String(), v.Paths[i].Cluster)
			}
		},
	}, {
		Name: "forebay_requests_total", Kind: Counter, Unit: Requests, Labels: []string{"priority",
			"cluster"},
		Help:     "Produce requests that were answered.",
		Question: "How many requests does it take?",
		From:     []string{"Paths.Requests"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.Requests) }),
	}, {
		Name: "forebay_request_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"priority", "cluster"},
		Help:     "Records in those requests; by forebay_requests_total, records per request.",
		Question: "Are requests well filled?",
		From:     []string{"Paths.RequestRecords"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.RequestRecords) }),
	}, {
		Name: "forebay_request_bytes_total", Kind: Counter, Unit: Bytes,
		Labels: []string{"priority", "cluster"},
		Help: "Bytes of batches in those requests, compressed; by forebay_requests_total, " +
			"bytes per request.",
		Question: "How much goes over the wire?",
		From:     []string{"Paths.RequestBytes"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.RequestBytes) }),
	}, {
		Name: "forebay_attempts_total", Kind: Counter, Unit: Batches, Labels: []string{"priority",
			"cluster"},
		Help:     "Batches that were written, or may have been, each as often as that was.",
		Question: "How many attempts does it take?",
		From:     []string{"Paths.Attempts"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.Attempts) }),
	}, {
		Name: "forebay_retries_total", Kind: Counter, Unit: Batches, Labels: []string{"priority",
			"cluster"},
		Help:     "Of these attempts, all but the first of each batch.",
		Question: "How many of them are in vain?",
		From:     []string{"Paths.Retries"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.Retries) }),
	}, {
		Name: "forebay_throttles_total", Kind: Counter, Unit: Times, Labels: []string{"priority",
			"cluster"},
		Help:     "How often a broker asked to be left alone for a while, by a quota of Kafka.",
		Question: "Are we over a quota?",
		From:     []string{"Paths.Throttled"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.Throttled) }),
	}, {
		Name: "forebay_throttle_seconds_total", Kind: Counter, Unit: Seconds,
		Labels:   []string{"priority", "cluster"},
		Help:     "For how long brokers asked to be left alone, in all.",
		Question: "How far over it?",
		From:     []string{"Paths.ThrottledFor"},
		read:     byPath(func(t *producer.Traffic) float64 { return t.ThrottledFor.Seconds() }),
	}, {
		Name: "forebay_order_at_risk_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"priority", "cluster"},
		Help: "Keyed records that may stand behind newer ones of their keys: their attempt " +
			"was not answered and may arrive late, or newer records of their topic went with " +
			"another priority.",
		Question: "May records of a key stand in another order than they were sent?",
		From:     []string{"Paths.OrderAtRisk"},
		read:     byPath(func(t *producer.Traffic) float64 { return float64(t.OrderAtRisk) }),
	}}
}

// names are look-ups of the names of brokers.
func names() []Metric {
	return []Metric{{
		Name: "forebay_dns_names", Kind: Gauge, Unit: "{name}",
		Help:     "Names of brokers of which there is an answer, or a look-up under way.",
		Question: "How many names does it know?",
		From:     []string{"Names.Known"},
		read:     func(v *view, emit emit) { emit(float64(v.Names.Known)) },
	}, {
		Name: "forebay_dns_lookups_total", Kind: Counter, Unit: Times,
		Help:     "Look-ups of names of brokers.",
		Question: "How often does it ask the resolver?",
		From:     []string{"Names.Lookups"},
		read:     func(v *view, emit emit) { emit(float64(v.Names.Lookups)) },
	}, {
		Name: "forebay_dns_lookup_failures_total", Kind: Counter, Unit: Times,
		Help:     "Of these, the ones that failed or took more than six seconds.",
		Question: "Does the resolver work?",
		From:     []string{"Names.Failures"},
		read:     func(v *view, emit emit) { emit(float64(v.Names.Failures)) },
	}, {
		Name: "forebay_dns_stale_dials_total", Kind: Counter, Unit: Times,
		Help:     "Dials that used an older answer, because a look-up failed or was slow.",
		Question: "Do we live on old answers?",
		From:     []string{"Names.Stale"},
		read:     func(v *view, emit emit) { emit(float64(v.Names.Stale)) },
	}}
}

// callbacks are the application's.
func callbacks() []Metric {
	return []Metric{{
		Name: "forebay_reports_dropped_total", Kind: Counter, Unit: "{report}",
		Help:     "Delivery reports that were dropped, because the callback did not take them.",
		Question: "Does the application miss reports?",
		From:     []string{"ReportsDropped"},
		read:     func(v *view, emit emit) { emit(float64(v.ReportsDropped)) },
	}, {
		Name: "forebay_report_panics_total", Kind: Counter, Unit: "{panic}",
		Help:     "Panics of the callback for delivery reports.",
		Question: "Does the callback work?",
		From:     []string{"ReportPanics"},
		read:     func(v *view, emit emit) { emit(float64(v.ReportPanics)) },
	}, {
		Name: "forebay_events_dropped_total", Kind: Counter, Unit: "{event}",
		Help:     "Events that made room for newer ones, because the callback did not take them.",
		Question: "Does the application miss events?",
		From:     []string{"EventsDropped"},
		read:     func(v *view, emit emit) { emit(float64(v.EventsDropped)) },
	}}
}

// settings say which are in force.
func settings() []Metric {
	return []Metric{{
		Name: "forebay_settings_info", Kind: Gauge, Unit: Condition, Labels: []string{"digest"},
		Help:     "1 for the digest of the settings in force.",
		Question: "Do all instances work by the same settings?",
		From:     []string{"Settings.Digest"},
		read:     func(v *view, emit emit) { emit(1, v.Settings.Digest) },
	}, {
		Name: "forebay_settings_timestamp_seconds", Kind: Gauge, Unit: Seconds,
		Help:     "When the settings came into force, in seconds since 1970.",
		Question: "Did it begin with a change of settings?",
		From:     []string{"Settings.Since"},
		read:     func(v *view, emit emit) { emit(unix(v.Settings.Since)) },
	}, {
		Name: "forebay_settings_changes_total", Kind: Counter, Unit: Times,
		Help:     "How often other settings were put into force.",
		Question: "Did it begin with a change of settings?",
		From:     []string{"Settings.Changes"},
		read:     func(v *view, emit emit) { emit(float64(v.Settings.Changes)) },
	}, {
		Name: "forebay_settings_refused", Kind: Gauge, Unit: Condition,
		Help: "1 while what the source of the settings says is not in force, because " +
			"something is wrong with it.",
		Question: "Is the file of settings broken?",
		From:     []string{"Settings.Refused"},
		read:     func(v *view, emit emit) { emit(is(v.Settings.Refused != "")) },
	}}
}

// perTopic are those of topics, which are bounded.
func perTopic() []Metric {
	return []Metric{{
		Name: "forebay_topics", Kind: Gauge, Unit: Topics, Labels: []string{"priority"},
		Help: "Topics in use: those that had a record within the last ten minutes, or hold " +
			"one.",
		Question: "How many topics are there?",
		From:     []string{"Topics.Topic", "Topics.Priority"},
		read: func(v *view, emit emit) {
			n := make(map[string]int)
			for i := range v.Topics {
				n[v.Topics[i].Priority.String()]++
			}
			for priority := range v.eachPriority() {
				emit(float64(n[priority]), priority)
			}
		},
	}, {
		Name: "forebay_topic_accepted_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"topic"},
		Help:     "Records that Send has accepted, by topic.",
		Question: "Who sends how much?",
		From:     []string{"Topics.Accepted"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.books.Accepted) }),
	}, {
		Name: "forebay_topic_records_total", Kind: Counter, Unit: Records, Labels: []string{"topic",
			"outcome"},
		Help:     "Accepted records that have an outcome, by topic.",
		Question: "Whose records are lost?",
		From: []string{"Topics.Delivered", "Topics.Shed", "Topics.Expired", "Topics.Rejected",
			"Topics.PossiblyPersisted", "Topics.lost"},
		read: func(v *view, emit emit) {
			for i := range v.rows {
				for outcome, n := range outcomes(&v.rows[i].books) {
					emit(float64(n), v.rows[i].name, outcome)
				}
			}
		},
	}, {
		Name: "forebay_topic_no_room_records_total", Kind: Counter, Unit: Records,
		Labels:   []string{"topic"},
		Help:     "Records that Send did not accept for lack of room, by topic.",
		Question: "Whose records find no room?",
		From:     []string{"Topics.Refused"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.books.Refused) }),
	}, {
		Name: "forebay_topic_maybe_duplicated_records_total", Kind: Counter, Unit: Records,
		Labels: []string{"topic"},
		Help: "Accepted records that were written again where the earlier attempt could not " +
			"be ruled out, by topic.",
		Question: "Where may duplicates be?",
		From:     []string{"Topics.MaybeDuplicated"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.books.MaybeDuplicated) }),
	}, {
		Name: "forebay_topic_pending_records", Kind: Gauge, Unit: Records,
		Labels:   []string{"topic"},
		Help:     "Accepted records that have no outcome yet, by topic.",
		Question: "Whose records wait?",
		From:     []string{"Topics.Pending"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.books.Pending) }),
	}, {
		Name: "forebay_topic_buffer_bytes", Kind: Gauge, Unit: Bytes, Labels: []string{"topic"},
		Help:     "Bytes that the batches of a topic hold, and reports of them that were not read.",
		Question: "Who fills the memory?",
		From:     []string{"Topics.Held"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.held) }),
	}, {
		Name: "forebay_topic_troubled", Kind: Gauge, Unit: Topics, Labels: []string{"topic"},
		Help: "1 if records of the topic wait although their cluster answers, else 0. The " +
			"topic other has the number of such topics. forebay_troubles has the causes.",
		Question: "Whose records wait while Kafka is there?",
		From:     []string{"Topics.Trouble"},
		read:     byTopic(func(r *topicRow) float64 { return float64(r.trouble) }),
	}}
}

func byPriority(number func(*producer.Books) uint64) func(*view, emit) {
	return func(v *view, emit emit) {
		for priority, books := range v.eachPriority() {
			emit(float64(number(&books)), priority)
		}
	}
}

func byLane(number func(*producer.LaneStats) float64) func(*view, emit) {
	return func(v *view, emit emit) {
		for priority, lane := range v.eachLane() {
			emit(number(&lane), priority)
		}
	}
}

func byCluster(number func(*producer.ClusterStats) float64) func(*view, emit) {
	return func(v *view, emit emit) {
		for name, c := range v.eachCluster() {
			emit(number(&c), name)
		}
	}
}

func byPath(number func(*producer.Traffic) float64) func(*view, emit) {
	return func(v *view, emit emit) {
		for i := range v.Paths {
			emit(number(&v.Paths[i].Traffic), v.Paths[i].Priority.String(), v.Paths[i].Cluster)
		}
	}
}

func byTopic(number func(*topicRow) float64) func(*view, emit) {
	return func(v *view, emit emit) {
		for i := range v.rows {
			emit(number(&v.rows[i]), v.rows[i].name)
		}
	}
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e6
}
