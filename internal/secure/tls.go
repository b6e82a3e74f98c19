package secure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// DialFunc opens a connection, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// TLS configures TLS by files. Without CAFile the system's authorities are trusted. Without
// CertFile and KeyFile we show no certificate. Without ServerName the dialled name is checked.
type TLS struct {
	CAFile, CertFile, KeyFile, ServerName string
}

// Source returns the source of the TLS settings for the next connection.
func (t TLS) Source(log *zap.Logger, field string) *Source[*tls.Config] {
	var ca *File[*x509.CertPool]
	var pair *File[*tls.Certificate]
	if t.CAFile != "" {
		ca = NewFile(log, field+".ca_file", parseCA, t.CAFile)
	}
	if t.CertFile != "" {
		pair = NewFile(log, field+".cert_file", parsePair, t.CertFile, t.KeyFile)
	}
	return NewSource(field, func(context.Context) (*tls.Config, error) {
		cfg := &tls.Config{ServerName: t.ServerName}
		var err error
		if ca != nil {
			if cfg.RootCAs, err = ca.Get(); err != nil {
				return nil, err
			}
		}
		if pair != nil {
			ours, err := pair.Get()
			if err != nil {
				return nil, err
			}
			// Whatever authorities the broker names: it is this certificate or none, and "none"
			// would be harder to understand.
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return ours, nil
			}
		}
		return cfg, nil
	})
}

func parseCA(texts [][]byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(texts[0]) {
		return nil, errors.New("there is no certificate in it: it must be PEM")
	}
	return pool, nil
}

func parsePair(texts [][]byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(texts[0], texts[1])
	return &pair, err
}

// Dial returns a function that opens connections. For each of them it gets the settings from
// config, and dials with the function that secured makes of them.
func Dial(config *Source[*tls.Config], secured func(*tls.Config) DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		cfg, err := config.Get(ctx)
		if err != nil {
			return nil, &net.OpError{Op: "dial", Net: network, Err: err}
		}
		cfg = cfg.Clone() // several connections may have got it
		c := new(conn)
		if ours := cfg.GetClientCertificate; ours != nil {
			cfg.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate,
				error) {
				pair, err := ours(asked)
				if pair != nil {
					c.ours.Store(pair.Leaf)
				}
				return pair, err
			}
		}
		c.Conn, err = secured(cfg)(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}

// conn is a TLS connection. A broker checks our certificate after the handshake has ended on our
// side, so the first read reports a refusal.
type conn struct {
	net.Conn
	// the certificate that we showed, nil if none; several addresses may be tried at the same time
	ours  atomic.Pointer[x509.Certificate]
	heard atomic.Bool
}

// Disown reports to the connection below that it works but leads to the wrong broker.
func (c *conn) Disown() {
	if d, ok := c.Conn.(interface{ Disown() }); ok {
		d.Disown()
	}
}

// Read reads. If the broker has sent nothing, the error says why, as far as that is known.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.heard.Store(true)
	}
	if err == nil || c.heard.Load() {
		return n, err
	}
	ours := c.ours.Load()
	switch now := time.Now(); {
	case ours != nil && now.After(ours.NotAfter):
		return n, fmt.Errorf("our certificate has expired at %s: %w",
			ours.NotAfter.UTC().Format(time.RFC3339), Refusal(err))
	case ours != nil && now.Before(ours.NotBefore):
		return n, fmt.Errorf("our certificate is not valid before %s: %w",
			ours.NotBefore.UTC().Format(time.RFC3339), Refusal(err))
	case isAlert(err):
		return n, fmt.Errorf("the broker refused our TLS: %w", Refusal(err))
	}
	return n, err
}

// refusal is the deliberate end of a connection.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Refusal marks err as a refusal, for Refused.
func Refusal(err error) error { return refusal{err} }

// Refused reports whether err is a refusal of our identity or the broker's. Trying again soon is
// useless then.
func Refused(err error) bool {
	if _, ok := errors.AsType[refusal](err); ok {
		return true
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	return isAlert(err)
}

// isAlert reports whether err is a TLS alert from the other side. It may be wrapped in errors of
// the same type, so looking for the first of them is not enough.
func isAlert(err error) bool {
	if op, ok := err.(*net.OpError); ok && op.Op == "remote error" { //nolint:errorlint // see above
		return true
	}
	switch e := err.(type) { //nolint:errorlint // likewise
	case interface{ Unwrap() error }:
		return isAlert(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), isAlert)
	}
	return false
}
