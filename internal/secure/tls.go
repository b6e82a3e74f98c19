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

// TLS says how TLS is spoken, by files. Fields that are empty stand for what the system trusts, for
// no certificate of ours, and for the name that is dialled.
type TLS struct {
	CAFile, CertFile, KeyFile, ServerName string
}

// Source returns what says how the next connection is to speak TLS.
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
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate,
				error) {
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

// Dial returns a function that opens connections by the one that secured makes of what config says
// for each of them.
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

// conn is a connection that speaks TLS. A broker checks our certificate when the handshake is over
// for us: what it does not like is seen by the first read.
type conn struct {
	net.Conn
	// that was shown, nil if none was; several addresses may be tried side by side
	ours  atomic.Pointer[x509.Certificate]
	heard atomic.Bool
}

// Disown tells what is below that the connection leads to somebody who is not meant, though it
// works.
func (c *conn) Disown() {
	if d, ok := c.Conn.(interface{ Disown() }); ok {
		d.Disown()
	}
}

// Read reads, and says why there is nothing to read, as far as that is known.
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

// refusal is an end of a connection that is no accident.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Refusal marks err as a refusal, for Refused.
func Refusal(err error) error { return refusal{err} }

// Refused reports whether err says that who we are, or who the broker is, will not do. To try again
// soon is of no use then.
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

// isAlert reports whether err is what the other side of TLS says before it ends the connection. It
// may be within errors of the same type, so it is not enough to look for the first of them.
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
