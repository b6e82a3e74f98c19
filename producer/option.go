package producer

import (
	"context"
	"net"

	"go.uber.org/zap"
)

// Option is what only code can give to New.
type Option interface{ apply(*options) }

type options struct {
	logger   *zap.Logger
	delivery func(Report)
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithLogger has the producer log through log: one line when the state of a cluster changes, none per record. Without it
// nothing is logged.
func WithLogger(log *zap.Logger) Option {
	return optionFunc(func(o *options) { o.logger = log })
}

// WithDelivery has fn called once for each accepted record, when its outcome is known. Calls come one after the other from
// one goroutine that nothing else waits for: a callback that blocks delays only later reports, which are bounded by
// Reports.MaxBytes; one that panics is logged and counted in Stats().ReportPanics, and the next report follows; it may call
// Send. Without this option reports cost nothing.
func WithDelivery(fn func(Report)) Option {
	return optionFunc(func(o *options) { o.delivery = fn })
}

// WithDialer has connections opened by dial instead of a net.Dialer. It is given one second, and must keep to its context.
func WithDialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return optionFunc(func(o *options) { o.dial = dial })
}
