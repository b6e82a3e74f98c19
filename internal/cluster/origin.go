package cluster

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// origin identifies a Kafka cluster by the ID that its brokers report, and so notices a name that
// leads to another cluster. Without an ID in the settings the first answer decides. It is safe for
// concurrent use.
//
// An ID that was reported once may be a mistake, and nothing is written because of it. It is
// certain once it was reported twice.
type origin struct {
	cluster string // its name in the settings
	client  string // our client ID
	set     bool   // the settings say the ID

	mu      sync.Mutex // guards what follows
	id      string     // "": not known
	certain bool
	told    bool // a broker has reported id
}

func newOrigin(cfg *Config) *origin {
	set := cfg.ID != ""
	return &origin{cluster: cfg.Name, client: cfg.ClientID, set: set, id: cfg.ID, certain: set}
}

// check returns an *another if id, which a broker reports, is not that of the cluster. A broker
// without an ID passes.
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

// doubt notes that a broker reports another ID. It replaces an ID that is not certain.
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

// answered returns the ID that brokers have reported, "" if none has.
func (o *origin) answered() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.told {
		return ""
	}
	return o.id
}

// another reports that another Kafka cluster answers in place of ours.
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

// whoVersion is the version of the request for the cluster ID. Every broker that knows record
// batches supports it, and it has no compact form.
const whoVersion = 4

// identify asks for the cluster ID on a new connection, before anything that has an effect is
// written: the name may lead elsewhere since the last answer. It belongs to Write, and nobody else
// may read meanwhile.
func (g *guarded) identify() error {
	who := kmsg.NewPtrMetadataRequest()
	who.Version, who.Topics = whoVersion, []kmsg.MetadataRequestTopic{} // nil asks for all topics
	format := kmsg.NewRequestFormatter(kmsg.FormatterClientID(g.origin.client))
	if _, err := g.send(format.AppendRequest(nil, who, 0)); err != nil {
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

// saysWhom is the first version of ApiVersions that names the cluster and broker it is meant for
// (KIP-1242).
const saysWhom = 5

// addressed adds the cluster and the broker to b, an ApiVersions request as kgo writes it. kgo
// takes all brokers for seeds and names none.
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
