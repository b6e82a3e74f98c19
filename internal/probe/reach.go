package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/preflight"
)

// answer is what a broker says about itself.
type answer struct {
	id  string // of the cluster it belongs to; empty: not reported
	err error  // why it does not answer
	fit error  // why nothing can be written to it
}

// reach asks each broker in the settings, and returns those that can be used.
func (k *check) reach(ctx context.Context) (good []string) {
	c := k.cluster
	k.awaits("brokers: " + listed(c.Seeds))
	answers := each(c.Seeds, func(addr string) answer {
		client, err := c.client(ctx, addr)
		if err != nil {
			return answer{err: err}
		}
		defer client.Close()
		return greet(ctx, client.SeedBrokers()[0])
	})
	away := preflight.Warning
	if !slices.ContainsFunc(answers, func(a answer) bool { return a.err == nil }) {
		away = preflight.Problem
	}
	want, says := c.ID, "cluster_id"
	for i, a := range answers {
		addr := c.Seeds[i]
		switch {
		case a.err != nil:
			k.add(ctx, preflight.Reachable, away, addr, "cannot be reached: %v", c.why(a.err))
			continue
		case a.id != "" && want != "" && a.id != want:
			k.add(ctx, preflight.ClusterID, preflight.Problem, addr,
				"belongs to another cluster: its ID is %q, but %s says %q", a.id, says, want)
			continue
		case a.fit != nil:
			k.add(ctx, preflight.Versions, preflight.Problem, addr, "%v", a.fit)
			continue
		case want == "" && a.id != "":
			want, says = a.id, addr // no cluster_id is set, but all brokers must agree
		}
		good = append(good, addr)
		k.add(ctx, preflight.Reachable, preflight.OK, addr, "answers")
	}
	return good
}

// brokers asks which brokers the cluster has, and whether each can be reached where the cluster
// says it is. It returns them, none if the cluster cannot be asked.
func (k *check) brokers(ctx context.Context, client *kgo.Client) []kmsg.MetadataResponseBroker {
	k.awaits("the list of brokers")
	meta, err := metadata(ctx, client, []string{})
	if err != nil {
		k.add(ctx, preflight.Metadata, preflight.Problem, "", "cannot read metadata: %v",
			k.cluster.why(err))
		return nil
	}
	if len(meta.Brokers) == 0 {
		k.add(ctx, preflight.Metadata, preflight.Problem, "",
			"the brokers answer, but name no broker of the cluster: wait until it has started")
		return nil
	}
	id := ""
	if meta.ClusterID != nil {
		id = *meta.ClusterID
	}
	k.change(func(c *preflight.Cluster) { c.ID, c.Brokers = id, len(meta.Brokers) })
	k.add(ctx, preflight.Metadata, preflight.OK, "", "cluster %s has %s; %s", id,
		plural(len(meta.Brokers), "broker", "brokers"), k.cluster.spoken())
	var addrs []string
	for _, b := range meta.Brokers {
		addrs = append(addrs, net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port))))
	}
	k.awaits("brokers that the cluster advertises: " + listed(addrs))
	answers := each(meta.Brokers, func(b kmsg.MetadataResponseBroker) answer {
		return greet(ctx, client.Broker(int(b.NodeID)))
	})
	for i, a := range answers {
		node := meta.Brokers[i].NodeID
		switch {
		case a.err != nil:
			k.add(ctx, preflight.Advertised, preflight.Problem, addrs[i],
				"broker %d advertises this address (advertised.listeners), but cannot be "+
					"reached there: %v", node, k.cluster.why(a.err))
		case a.id != "" && id != "" && a.id != id:
			k.add(ctx, preflight.ClusterID, preflight.Problem, addrs[i],
				"broker %d advertises this address (advertised.listeners), but a broker of "+
					"cluster %q answers there", node, a.id)
		}
	}
	return meta.Brokers
}

// greet asks a broker who it is and what it offers.
func greet(ctx context.Context, b *kgo.Broker) answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := b.Request(ctx, noTopics())
	if err != nil {
		return answer{err: err}
	}
	a := answer{}
	if id := resp.(*kmsg.MetadataResponse).ClusterID; id != nil {
		a.id = *id
	}
	resp, err = b.Request(ctx, kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		return answer{err: err}
	}
	a.fit = cluster.Fits(resp.(*kmsg.ApiVersionsResponse).ApiKeys)
	return a
}

// noTopics returns a request for metadata about the brokers alone.
func noTopics() *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // nil means all
	return req
}

// atOnce bounds the brokers that are asked at the same time.
const atOnce = 16

// each calls fn for all items, up to atOnce at the same time, and returns the results in order.
func each[T, R any](items []T, fn func(T) R) []R {
	results := make([]R, len(items))
	slots := make(chan struct{}, atOnce) // sent by who begins a call, received when it ends
	var wg sync.WaitGroup
	for i, item := range items {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i] = fn(item)
		})
	}
	wg.Wait()
	return results
}

// why returns err, why a broker gave no answer, in words.
func (c *Cluster) why(err error) error {
	_, silent := errors.AsType[*kgo.ErrFirstReadEOF](err)
	op, dial := errors.AsType[*net.OpError](err)
	dial = dial && op.Op == "dial"
	switch {
	case silent, errors.Is(err, io.EOF) && !dial:
		return errors.New("the broker hung up without an answer: check that the port is the one " +
			"for tls and sasl as they are set, and that the credentials are right")
	case errors.Is(err, context.DeadlineExceeded) && dial && c.TLS:
		return errors.New("no answer: is this port for TLS?")
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer")
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return fmt.Errorf("%w: check sasl, or what WithCredentials brings", cluster.Reasoned(err))
	}
	return cluster.Reasoned(err)
}
