package dns

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certificate returns a certificate of its own for names, and who trusts it.
func certificate(t *testing.T, names ...string) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, IPAddresses: []net.IP{net.IPv4(10, 0, 0,
			9)}, BasicConstraintsValid: true, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// speakTLS returns a dial function to whom lives at an address with a certificate; elsewhere
// somebody says nothing.
func speakTLS(lives map[string]tls.Certificate) DialFunc {
	return func(_ context.Context, _, addr string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(addr)
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			if cert, ok := lives[host]; ok {
				server := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{cert}})
				_, _ = server.Write([]byte("hello from " + host))
			}
			_, _ = io.Copy(io.Discard, theirs) // until ours is closed
		}()
		return ours, nil
	}
}

// greeted checks that c leads to where TLS is spoken, and closes it.
func greeted(t *testing.T, c net.Conn) {
	t.Helper()
	got := make([]byte, 100)
	n, err := c.Read(got)
	require.NoError(t, err)
	require.Contains(t, string(got[:n]), "hello from")
	require.NoError(t, c.Close())
}

func TestWithTLS_ChecksTheNameThatWasDialled(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		cert, pool := certificate(t, "kafka")
		d := w.dialer(t,
			func(c *Config) {
				c.Dial = speakTLS(map[string]tls.Certificate{"10.0.0.1": cert, "10.0.0.9": cert})
			})
		w.name("kafka", "10.0.0.1")
		w.name("other", "10.0.0.1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		secure := d.WithTLS(&tls.Config{RootCAs: pool})
		// a name; an address on the certificate
		for _, addr := range []string{"kafka:9093", "10.0.0.9:9093"} {
			c, err := secure(ctx, "tcp", addr)
			require.NoError(t, err)
			greeted(t, c)
		}
		_, err := secure(ctx, "tcp", "other:9093")
		wrong, ok := errors.AsType[x509.HostnameError](err)
		require.True(t, ok)
		require.Equal(t, "other", wrong.Host)
		require.ErrorContains(t, err, "dial tcp: TLS with other at 10.0.0.1:9093: ")
		c, err := d.WithTLS(&tls.Config{RootCAs: pool, ServerName: "kafka"})(ctx, "tcp",
			"other:9093")
		require.NoError(t, err)
		greeted(t, c)
	})
}

// Somebody else lives at one of the addresses by now, and at another a process is stopped:
// connections can be opened there.
func TestWithTLS_TriesTheNextAddressWhereAHandshakeFails(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		cert, pool := certificate(t, "kafka")
		stranger, _ := certificate(t, "kafka")
		d := w.dialer(t, func(c *Config) {
			c.Dial = speakTLS(map[string]tls.Certificate{"10.0.0.1": stranger, "10.0.0.3": cert})
		})
		w.name("kafka", "10.0.0.1", "10.0.0.2", "10.0.0.3")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c, err := d.WithTLS(&tls.Config{RootCAs: pool})(ctx, "tcp", "kafka:9093")
		require.NoError(t, err)
		require.Equal(t, "10.0.0.3", c.(*conn).addr.String())
		greeted(t, c)
	})
}

func TestWithTLS_TheHandshakeKeepsToTheContext(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		d := w.dialer(t, func(c *Config) { c.Dial = speakTLS(nil) })
		w.name("kafka", "10.0.0.2")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := d.WithTLS(new(tls.Config))(ctx, "tcp", "kafka:9093")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// Kafka hangs up on a TLS greeting where it expects plaintext. "EOF" alone helps nobody.
func TestShield_AsksWhetherThePortIsForTLSWhereItHangsUp(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() {
		_, _ = theirs.Read(make([]byte, 1<<14))
		_ = theirs.Close()
	}()
	_, err := Shield(t.Context(), ours, "tcp", "10.0.0.2:9092", "kafka", new(tls.Config))
	require.ErrorIs(t, err, io.EOF)
	require.EqualError(t, err,
		"dial tcp: TLS with kafka at 10.0.0.2:9092: EOF: is this port for TLS?")
}
