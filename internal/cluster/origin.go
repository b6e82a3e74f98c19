package cluster

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// origin knows which Kafka a cluster is, by the ID that its brokers tell, so that a name which
// leads to another one is noticed. Without an ID in the settings it is the one that answers first.
// It is safe for concurrent use.
//
// An ID that was told once may be a slip; nothing was written on the strength of it. It is certain
// when it was told twice.
type origin struct {
	cluster string // its name in the settings
	client  string // what we call ourselves
	set     bool   // the settings say the ID

	mu      sync.Mutex // guards what follows
	id      string     // "": not known, and brokers that tell none are not asked
	certain bool
	told    bool // by a broker
}

func newOrigin(cfg *Config) *origin {
	set := cfg.ID != ""
	return &origin{cluster: cfg.Name, client: cfg.ClientID, set: set, id: cfg.ID, certain: set}
}

// check returns an *another if id, which a broker tells, is not that of the cluster. One that tells
// none may be any.
func (o *origin) check(id *string) error {
	if id == nil || *id == "" {
		return nil
	}
	is := clip(*id)
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.id == "":
		o.id = is
	case o.id != is:
		return &another{cluster: o.cluster, is: is, was: o.id, set: o.set}
	default:
		o.certain = true
	}
	o.told = true
	return nil
}

// doubt notes that a broker tells another ID, which is the right one if the first was a slip.
func (o *origin) doubt(is string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.certain {
		o.id = is
	}
}

// known reports whether there is an ID to compare with.
func (o *origin) known() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.id != ""
}

// sure returns the ID of the cluster, "" while it is not certain.
func (o *origin) sure() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.certain {
		return ""
	}
	return o.id
}

// answered returns the ID that brokers have told, "" if none has.
func (o *origin) answered() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.told {
		return ""
	}
	return o.id
}

// another says that there is another Kafka where the cluster should be.
type another struct {
	cluster, is, was string
	set              bool // was is what the settings say
}

func (a *another) Error() string {
	if a.set {
		return fmt.Sprintf("another Kafka cluster answers there: its ID is %q, and "+
			"clusters.%s.cluster_id says %q: correct the one or the other",
			a.is, a.cluster, a.was)
	}
	return fmt.Sprintf("another Kafka cluster answers there: its ID is %q, and it was %q: if "+
		"that is meant, set clusters.%s.cluster_id or start anew",
		a.is, a.was, a.cluster)
}

// whoVersion is the version of the question for the cluster that a connection begins with: what
// every broker speaks that knows record batches, and in no compact form.
const whoVersion = 4

// identify asks whoever is at the other end of a connection for the ID of its cluster, before
// anything else is written to it that has an effect: the name may lead elsewhere since the last
// answer. It belongs to Write, when nothing is being read.
func (g *guarded) identify() error {
	who := kmsg.NewPtrMetadataRequest()
	who.Version, who.Topics = whoVersion, []kmsg.MetadataRequestTopic{} // nil asks for all topics
	if _, err := g.send(kmsg.NewRequestFormatter(kmsg.FormatterClientID(g.origin.client)).AppendRequest(nil, who, 0)); err != nil {
		return err
	}
	if err := g.next(); err != nil {
		return err
	}
	answer := kmsg.NewPtrMetadataResponse()
	answer.Version = whoVersion
	frame := g.left
	g.left = nil
	if len(frame) < 8 {
		return errNonsense
	}
	if err := answer.ReadFrom(frame[8:]); err != nil {
		return errNonsense
	}
	return g.origin.check(answer.ClusterID)
}

// saysWhom is the first version of ApiVersions that says which broker of which cluster is meant
// (KIP-1242).
const saysWhom = 5

// addressed returns b, a request for ApiVersions as kgo writes it, with the broker that is meant in
// it. kgo takes all brokers for seeds, which may be anybody.
func addressed(b []byte, version int16, cluster string, node int32) []byte {
	const header = 4 + 8 // before the client's ID
	if version < saysWhom || cluster == "" || node < 0 || len(b) < header+3 {
		return b
	}
	body := header + 2 + max(0, int(int16(binary.BigEndian.Uint16(b[header:])))) + 1 // and no tags
	req := kmsg.NewPtrApiVersionsRequest()
	req.Version = version
	if len(b) < body || b[body-1] != 0 || req.ReadFrom(b[body:]) != nil {
		return b
	}
	req.ClusterID, req.NodeID = &cluster, node
	named := req.AppendTo(slices.Clone(b[:body]))
	binary.BigEndian.PutUint32(named, uint32(len(named)-4))
	return named
}
