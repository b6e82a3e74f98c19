package producer

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/slogcore"
	"github.com/forebay-go/forebay/partitioner"
)

// Option is what only code can give to New. A nil Option does nothing, and neither does one that is
// given a nil function, logger, hook or partitioner. WithTLS and WithCredentials are the exception:
// New rejects them with nil.
type Option interface{ apply(*options) }

type options struct {
	logger   *zap.Logger
	delivery func(Report)
	events   func(Event)
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
	lookup   func(ctx context.Context, host string) ([]string, error)
	wall     func() time.Time // for tests of jumps
	idle     time.Duration    // how long a topic may be without a record before its table is freed
	hooks    []kgo.Hook

	partitioner partitioner.Partitioner

	tls         map[string]*tls.Config // by cluster
	credentials map[string]func(context.Context) (Credentials, error)
	wrong       []error // what is wrong with options themselves
}

// apply adds what opts say to o. A nil Option says nothing.
func (o *options) apply(opts []Option) {
	for _, opt := range opts {
		if opt != nil {
			opt.apply(o)
		}
	}
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithLogger has the producer log through log: one line when the state of a cluster changes, none
// per record, and none more than twenty times a minute. Lines are written on a goroutine that
// nothing else waits for: a logger that blocks or panics stops nothing, and may lose lines; it may
// write through Send. Without this option, or with nil, nothing is logged. docs/logs.md has every
// line.
func WithLogger(log *zap.Logger) Option {
	if log == nil {
		log = zap.NewNop()
	}
	return optionFunc(func(o *options) { o.logger = log })
}

// WithSlog has the producer log through log as WithLogger says, for applications that log with
// log/slog. Fields are attributes, those of "records were lost or refused" in a group for each
// priority. Nothing of log is called but on the goroutine that writes lines. Of WithLogger and
// WithSlog the one that is given last counts.
func WithSlog(log *slog.Logger) Option {
	if log == nil {
		return WithLogger(nil)
	}
	return WithLogger(slogcore.New(log.Handler()))
}

// WithDelivery has fn called once for each accepted record, when its outcome is known. Calls come
// one after the other, those for higher priorities first, from one goroutine that nothing else
// waits for: a callback that blocks delays only later reports, which are bounded by
// Reports.MaxBytes; one that panics is logged and counted in Stats().ReportPanics, and the next
// report follows; it may call Send, but not Close (ErrInCallback). Report.Record is nil if the
// record was delivered, or given up for its memory: see Report.Returned. Without this option
// reports cost nothing.
func WithDelivery(fn func(Report)) Option {
	return optionFunc(func(o *options) { o.delivery = fn })
}

// WithEvents has fn called when something changes that an application may want to watch: a
// cluster's state, the cluster that a priority goes to, the loss of records for lack of room. Calls
// come one after the other from one goroutine that nothing else waits for but Close, which it must
// not call (ErrInCallback). Of events that a slow callback does not take, the newest 256 are kept.
// Producer.Current says what is the case when watching begins.
func WithEvents(fn func(Event)) Option {
	return optionFunc(func(o *options) { o.events = fn })
}

// WithPartitioner has partitions chosen by p, whatever Batching.Partitioner says: one of package
// partitioner, or one of your own. Where it panics, or returns a partition that there is not,
// partitioner.Sticky is asked instead and a line is logged. Programs that write records of the same
// keys must choose alike.
func WithPartitioner(p partitioner.Partitioner) Option {
	return optionFunc(func(o *options) { o.partitioner = p })
}

// WithHooks has hooks called for every connection to a broker, by kgo, the client underneath:
// kgo.HookBrokerConnect, HookBrokerDisconnect, HookBrokerWrite, HookBrokerRead, HookBrokerE2E and
// HookBrokerThrottle, as those of franz-go's plug-ins for metrics. A producer has several clients
// of kgo for each cluster, for metadata and for what is produced; hooks for new and closed clients
// are called for each, those for records never. They are called where the network is read and
// written, and must return at once.
func WithHooks(hooks ...kgo.Hook) Option {
	return optionFunc(func(o *options) {
		for _, hook := range hooks {
			if hook != nil {
				o.hooks = append(o.hooks, hook)
			}
		}
	})
}

// WithDialer has connections opened by dial instead of a net.Dialer. It is given one second, and
// must keep to its context. Without WithResolver it is given names, and what it makes of them is
// its own affair: nothing is remembered of them. With WithResolver it is given addresses.
func WithDialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return optionFunc(func(o *options) { o.dial = dial })
}

// WithResolver has the names of brokers looked up by lookup instead of net.DefaultResolver; the
// LookupHost of any net.Resolver will do. Its answers are remembered as Config.Resolver says. It is
// called on goroutines of its own, at the same time for several names, and has six seconds: one
// that does not keep to its context is left behind. One that panics has failed.
func WithResolver(lookup func(ctx context.Context, host string) ([]string, error)) Option {
	return optionFunc(func(o *options) { o.lookup = lookup })
}
