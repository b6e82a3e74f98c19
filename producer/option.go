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

// Option is something that only code can give to New. A nil Option does nothing, and so does an
// option that is given a nil function, logger, hook or partitioner. Only WithTLS and
// WithCredentials reject nil.
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

	partitioner  partitioner.Partitioner
	interceptors []func(*Record) error
	observer     Observer

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

// reports reports whether each record has a report.
func (o *options) reports() bool { return o.delivery != nil || o.observer != nil }

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithLogger has the producer log to log: one line when a state changes, none per record, and the
// same message at most twenty times a minute. docs/logs.md lists every line. A goroutine of its own
// writes the lines, so a logger that blocks or panics stops nothing, but may lose lines. The logger
// may call Send. Without this option, or with nil, nothing is logged.
func WithLogger(log *zap.Logger) Option {
	if log == nil {
		log = zap.NewNop()
	}
	return optionFunc(func(o *options) { o.logger = log })
}

// WithSlog is WithLogger for applications that log with log/slog. Fields become attributes; those
// of "records were lost or refused" are in a group for each priority. If both options are given,
// the last one counts.
func WithSlog(log *slog.Logger) Option {
	if log == nil {
		return WithLogger(nil)
	}
	return WithLogger(slogcore.New(log.Handler()))
}

// WithDelivery has fn called once for each accepted record, when its outcome is known. One
// goroutine makes the calls, one after the other, those for higher priorities first. Nothing else
// waits for it: a callback that blocks delays only later reports, which Reports.MaxBytes bounds. A
// panic, or a call of runtime.Goexit such as t.FailNow makes, is logged and counted in
// Stats().ReportPanics, and the next report follows. fn may call Send, but not Close
// (ErrInCallback). Report.Returned returns the record if it was not delivered; records that were
// given up for their memory are gone. Without this option reports cost nothing. SendFunc has a
// function called for one record.
func WithDelivery(fn func(Report)) Option {
	return optionFunc(func(o *options) { o.delivery = fn })
}

// WithEvents has fn called when something changes that an application may want to watch: the state
// of a cluster, the cluster of a priority, the loss of records for lack of room. One goroutine
// makes the calls, one after the other. Only Close waits for it, so fn must not call Close
// (ErrInCallback). If fn is slow, the newest 256 events are kept. Producer.Current returns what is
// the case when watching begins.
func WithEvents(fn func(Event)) Option {
	return optionFunc(func(o *options) { o.events = fn })
}

// WithPartitioner has p choose partitions, whatever Batching.Partitioner says: a type of package
// partitioner, or your own. If p panics or returns a partition that does not exist,
// partitioner.Sticky chooses instead, and a line is logged. All programs that write the same keys
// must choose alike.
func WithPartitioner(p partitioner.Partitioner) Option {
	return optionFunc(func(o *options) { o.partitioner = p })
}

// WithHooks has kgo, the client underneath, call hooks for every connection to a broker:
// kgo.HookBrokerConnect, HookBrokerDisconnect, HookBrokerWrite, HookBrokerRead, HookBrokerE2E and
// HookBrokerThrottle, as franz-go's plug-ins for metrics implement them. Hooks for new and closed
// clients are called for each of the several clients of a cluster; hooks for records never are.
// Hooks run where the network is read and written, and must return at once.
func WithHooks(hooks ...kgo.Hook) Option {
	return optionFunc(func(o *options) {
		for _, hook := range hooks {
			if hook != nil {
				o.hooks = append(o.hooks, hook)
			}
		}
	})
}

// WithDialer has dial open connections in place of a net.Dialer. dial gets one second, and must
// respect its context. Without WithResolver, dial gets host names, and Forebay remembers nothing
// about them. With WithResolver, it gets addresses. If it panics, or returns no connection and no
// error, the attempt has failed.
func WithDialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return optionFunc(func(o *options) { o.dial = dial })
}

// WithResolver has lookup resolve the names of brokers in place of net.DefaultResolver; the
// LookupHost of any net.Resolver will do. Config.Resolver says how long answers are remembered.
// lookup runs on goroutines of its own, for several names at the same time, and gets six seconds.
// If it ignores its context, it is left behind; if it panics, the look-up has failed.
func WithResolver(lookup func(ctx context.Context, host string) ([]string, error)) Option {
	return optionFunc(func(o *options) { o.lookup = lookup })
}
