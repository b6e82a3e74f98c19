package metrics

import "github.com/forebay-go/forebay/producer"

// routes returns the metrics of the cluster that each priority goes to.
func routes() []Metric {
	return []Metric{{
		Name: "forebay_route", Kind: Gauge, Unit: Condition,
		Labels:   []string{"priority", "cluster"},
		Help:     "1 for the cluster that the priority goes to, 0 for all others.",
		Question: "Where does each priority go?",
		From:     []string{"Lanes.Cluster"},
		read: func(v *view, emit emit) {
			for priority, lane := range v.eachLane() {
				for cluster := range v.eachCluster() {
					emit(is(cluster == lane.Cluster), priority, cluster)
				}
			}
		},
	}, {
		Name: "forebay_fell_back", Kind: Gauge, Unit: Condition,
		Labels:   []string{"priority"},
		Help:     "1 if the priority is on a fallback cluster, else 0.",
		Question: "Is it on a fallback?",
		From:     []string{"Lanes.FellBack"},
		read:     byLane(func(l *producer.LaneStats) float64 { return is(l.FellBack) }),
	}, {
		Name: "forebay_route_timestamp_seconds", Kind: Gauge, Unit: Seconds,
		Labels:   []string{"priority"},
		Help:     "When the priority began to go to its present cluster, in seconds since 1970.",
		Question: "Since when?",
		From:     []string{"Lanes.Since"},
		read:     byLane(func(l *producer.LaneStats) float64 { return unix(l.Since) }),
	}, {
		Name: "forebay_switches_total", Kind: Counter, Unit: Times,
		Labels: []string{"priority"},
		Help: "How often the priority switched to another cluster, except by a change of " +
			"settings.",
		Question: "Does it flap between clusters?",
		From:     []string{"Lanes.Switches"},
		read:     byLane(func(l *producer.LaneStats) float64 { return float64(l.Switches) }),
	}}
}

// clusters returns the metrics of the state of each cluster.
func clusters() []Metric {
	return []Metric{{
		Name: "forebay_cluster_state", Kind: Gauge, Unit: Condition,
		Labels: []string{"cluster", "state"},
		Help: "1 for the present state of the cluster, 0 for the others: connecting, up, " +
			"degraded, down and closed.",
		Question: "Is Kafka reachable?",
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
		Help:     "When the cluster entered its present state, in seconds since 1970.",
		Question: "Since when?",
		From:     []string{"Clusters.Since"},
		read:     byCluster(func(c *producer.ClusterStats) float64 { return unix(c.Since) }),
	}, {
		Name: "forebay_cluster_changes_total", Kind: Counter, Unit: Times,
		Labels:   []string{"cluster"},
		Help:     "How often the state of the cluster changed.",
		Question: "Does the cluster flap?",
		From:     []string{"Clusters.Changes"},
		read:     byCluster(func(c *producer.ClusterStats) float64 { return float64(c.Changes) }),
	}, {
		Name: "forebay_cluster_connections", Kind: Gauge, Unit: Connections,
		Labels:   []string{"cluster"},
		Help:     "Open connections to brokers of the cluster.",
		Question: "How many connections to its brokers are open?",
		From:     []string{"Clusters.Connections"},
		read: byCluster(func(c *producer.ClusterStats) float64 {
			return float64(c.Connections)
		}),
	}, {
		Name: "forebay_cluster_connections_opened_total", Kind: Counter, Unit: Connections,
		Labels:   []string{"cluster"},
		Help:     "How many connections to brokers of the cluster were opened.",
		Question: "Are connections opened again and again?",
		From:     []string{"Clusters.ConnectionsOpened"},
		read: byCluster(func(c *producer.ClusterStats) float64 {
			return float64(c.ConnectionsOpened)
		}),
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
	}}
}

// clusterRecords returns the metrics of the records of each cluster, and why they wait.
func clusterRecords() []Metric {
	return []Metric{{
		Name: "forebay_cluster_records", Kind: Gauge, Unit: Records,
		Labels: []string{"cluster", "outcome"},
		Help: "Records by cluster and outcome, pending ones included. A gauge: records lost " +
			"before they were sent count for the cluster in use, and move with it.",
		Question: "What became of the records of each cluster?",
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
		Name: "forebay_troubles", Kind: Gauge, Unit: Condition,
		Labels: []string{"cluster", "cause"},
		Help: "Number of troubles that keep records waiting although their cluster answers, " +
			"by cause. There is one for each topic and priority, or one for all topics of a " +
			"priority. 0 for causes that keep nothing waiting.",
		Question: "What keeps records waiting while Kafka is reachable?",
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

// names returns the metrics of the DNS look-ups of broker names.
func names() []Metric {
	return []Metric{{
		Name: "forebay_dns_names", Kind: Gauge, Unit: "{name}",
		Help:     "Broker names that have an answer, or a look-up in progress.",
		Question: "How many names are known?",
		From:     []string{"Names.Known"},
		read:     func(v *view, emit emit) { emit(float64(v.Names.Known)) },
	}, {
		Name: "forebay_dns_lookups_total", Kind: Counter, Unit: Times,
		Help:     "DNS look-ups of broker names.",
		Question: "How often is the resolver asked?",
		From:     []string{"Names.Lookups"},
		read:     func(v *view, emit emit) { emit(float64(v.Names.Lookups)) },
	}, {
		Name: "forebay_dns_lookup_failures_total", Kind: Counter, Unit: Times,
		Help:     "Look-ups that failed or took more than six seconds.",
		Question: "Does the resolver work?",
		From:     []string{"Names.Failures"},
		read:     func(v *view, emit emit) { emit(float64(v.Names.Failures)) },
	}, {
		Name: "forebay_dns_stale_dials_total", Kind: Counter, Unit: Times,
		Help:     "Dials that used an older answer because a look-up failed or was slow.",
		Question: "Do dials rely on stale answers?",
		From:     []string{"Names.Stale"},
		read:     func(v *view, emit emit) { emit(float64(v.Names.Stale)) },
	}}
}
