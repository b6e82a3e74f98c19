package preflight

// Check names what a finding is about, for programs. Texts may change, checks do not.
type Check string

// What is checked of a cluster.
const (
	Reachable  Check = "reachable"  // a broker of the settings answers; TLS and SASL are accepted
	ClusterID  Check = "cluster_id" // a broker belongs to the cluster that the settings name
	Versions   Check = "versions"   // a broker offers the requests that Forebay needs
	Metadata   Check = "metadata"   // the cluster says which brokers and topics it has
	Advertised Check = "advertised" // a broker can be reached where the cluster says it is
	Identity   Check = "identity"   // the cluster gives out producer IDs (IdempotentWrite)
	Memory     Check = "memory"     // brokers say how long they remember producers
	Time       Check = "time"       // the check of the cluster was finished in time
)

// What is checked of a topic.
const (
	Exists   Check = "exists"   // it is there, or will be created
	Leaders  Check = "leaders"  // each partition has a leader
	Write    Check = "write"    // the user may write to it
	Replicas Check = "replicas" // enough replicas are in sync for acks: all
	Size     Check = "size"     // it takes batches and records as large as the settings allow
)

// Finding is one thing that was checked.
type Finding struct {
	Check Check
	Level Level
	About string `json:",omitempty"` // the address of a broker; empty: the cluster, or the topic
	Text  string // what was found, and what to do about it
}

// worst returns the highest level among findings, OK if there are none.
func worst(findings []Finding) Level {
	level := OK
	for _, f := range findings {
		level = max(level, f.Level)
	}
	return level
}
