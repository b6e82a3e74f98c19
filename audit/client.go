package audit

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// newClient returns a client that also waits for topics that do not exist yet. opts are those of
// the application, which say where Kafka is: several clients have them, so they are not changed.
func newClient(opts []kgo.Opt, more ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(slices.Concat([]kgo.Opt{kgo.ClientID("forebay-audit")}, opts,
		[]kgo.Opt{kgo.UnknownTopicRetries(-1)}, more)...)
}
