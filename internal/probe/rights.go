package probe

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/preflight"
)

// rights checks the permissions that a producer wants beside those to its topics. The broker is any
// of the cluster.
func (k *check) rights(ctx context.Context, client *kgo.Client, broker int32) {
	if !k.cluster.numbers() {
		return // no batch has a number then
	}
	k.awaits("a producer ID")
	switch err := identity(ctx, client); {
	case err == nil:
		k.add(ctx, preflight.Identity, preflight.OK, "", "producer IDs are given out")
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		k.add(ctx, preflight.Identity, preflight.Warning, "",
			"no permission to get a producer ID, so retries may leave duplicates: add an ACL "+
				"that allows IDEMPOTENT_WRITE on the cluster")
	default:
		k.add(ctx, preflight.Identity, preflight.Warning, "",
			"gives out no producer ID, so retries may leave duplicates: %v", k.cluster.why(err))
	}
	k.awaits("how long brokers remember producers")
	switch err := memory(ctx, client, broker); {
	case err == nil:
		k.add(ctx, preflight.Memory, preflight.OK, "", "brokers report their settings")
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		k.add(ctx, preflight.Memory, preflight.Warning, "",
			"no permission to read how long brokers remember producers, so "+
				"producer_id_expiration applies: add an ACL that allows DESCRIBE_CONFIGS on "+
				"the cluster")
	default:
		k.add(ctx, preflight.Memory, preflight.Warning, "",
			"brokers do not say how long they remember producers, so producer_id_expiration "+
				"applies: %v", k.cluster.why(err))
	}
}

// again is how soon a request is sent again that a broker could not answer yet.
const again = 100 * time.Millisecond

// identity gets a producer ID, as a producer does. Brokers fetch a range of IDs at the first
// request, and have it sent again until they have one.
func identity(ctx context.Context, client *kgo.Client) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		resp, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if !kerr.IsRetriable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(again):
		}
	}
}

// memory reads the settings of one broker that say how long it remembers producers.
func memory(ctx context.Context, client *kgo.Client, broker int32) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	resp, err := cluster.MemoryRequest(broker).RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return err
		}
	}
	return nil
}
