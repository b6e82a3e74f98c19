package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/slogcore"
)

// Option sets what only code can give. A nil Option changes nothing, nor does one with a nil
// argument.
type Option interface{ apply(*options) }

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

type options struct {
	lock   []byte // nil: none
	log    *zap.Logger
	client *http.Client
	tls    *tls.Config
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// WithLock gives the content of a lock file, such as one that go:embed has put into the program. It
// takes the place of Config.LockFile; New rejects both together.
func WithLock(content []byte) Option {
	return optionFunc(func(o *options) { o.lock = content })
}

// WithLogger makes the registry log to log, one line when something changes; docs/logs.md lists
// them, each at most twenty times a minute. The goroutines that look up call it: one that blocks or
// panics delays only them. Without this option, or with nil, nothing is logged.
func WithLogger(log *zap.Logger) Option {
	return optionFunc(func(o *options) {
		if log != nil {
			o.log = log
		}
	})
}

// WithSlog is WithLogger for applications that log with log/slog. The last of both options counts.
func WithSlog(log *slog.Logger) Option {
	if log == nil {
		return nil
	}
	return WithLogger(slogcore.New(log.Handler()))
}

// WithHTTPClient makes the look-ups use a copy of client, with its transport, for proxies or
// credentials that change. New rejects it together with WithTLS or WithDialer.
func WithHTTPClient(client *http.Client) Option {
	return optionFunc(func(o *options) { o.client = client })
}

// WithTLS sets the configuration of https connections, which is cloned. The default trusts the
// authorities of the system.
func WithTLS(config *tls.Config) Option {
	return optionFunc(func(o *options) { o.tls = config })
}

// WithDialer makes the look-ups dial with dial. It is called by several goroutines at a time, and
// should return when ctx ends.
func WithDialer(dial func(ctx context.Context, network, address string) (net.Conn, error)) Option {
	return optionFunc(func(o *options) { o.dial = dial })
}

// maxAnswerBytes bounds what is read of an answer of the registry.
const maxAnswerBytes = 8 << 20

// httpClient returns the client for the look-ups, and what closes connections of ours.
func (o *options) httpClient() (*http.Client, func(), error) {
	if o.client != nil {
		if o.tls != nil || o.dial != nil {
			return nil, nil, errors.New("registry: WithHTTPClient: given together with " +
				"WithTLS or WithDialer: set up TLS and dialer in the client's transport")
		}
		client := *o.client
		if client.Transport == nil {
			client.Transport = http.DefaultTransport
		}
		client.Transport = limited{client.Transport}
		return &client, func() {}, nil
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            o.dial,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        o.tls.Clone(),
		IdleConnTimeout:        5 * time.Second, // there is a burst at the start, and then silence
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &http.Client{Transport: limited{transport}}, transport.CloseIdleConnections, nil
}

// readLock returns the lock of the options or of the file, empty if there is none.
func (o *options) readLock(path string) (*Lock, error) {
	switch {
	case o.lock != nil && path != "":
		return nil, errors.New("registry: LockFile: set together with WithLock: remove one of them")
	case o.lock != nil:
		lock, err := ReadLock(o.lock)
		if err != nil {
			return nil, fmt.Errorf("registry: WithLock: %w", err)
		}
		return lock, nil
	case path == "":
		return new(Lock), nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("registry: LockFile: %w: write the file with forebay schema lock",
			err)
	}
	lock, err := ReadLock(content)
	if err != nil {
		return nil, fmt.Errorf("registry: LockFile: %s: %w", path, err)
	}
	return lock, nil
}
