package producer

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/internal/testca"
)

func TestNew_NamesEveryMistakeInTLSAndSASL(t *testing.T) {
	for _, x := range []struct {
		name string
		tls  TLSConfig
		sasl SASLConfig
		by   []Option
		says string // empty: nothing
	}{
		{name: "nothing"},
		{name: "tls", tls: TLSConfig{Enabled: true}},
		{name: "mutual", tls: TLSConfig{Enabled: true, CAFile: "ca", CertFile: "c", KeyFile: "k",
			ServerName: "kafka"}},
		{name: "scram", sasl: SASLConfig{Mechanism: "scram-sha-256", User: "u", Password: "p"}},
		{name: "plain", sasl: SASLConfig{Mechanism: "plain", User: "u", PasswordFile: "p"}},
		{name: "token", sasl: SASLConfig{Mechanism: "oauthbearer", TokenFile: "t"}},
		{name: "aws", sasl: SASLConfig{Mechanism: "aws-msk-iam", User: "u", PasswordFile: "p",
			TokenFile: "t"}},
		{name: "by option", sasl: SASLConfig{Mechanism: "oauthbearer"},
			by: []Option{WithCredentials("a", nobody), WithTLS("a", &tls.Config{})}},

		{name: "not enabled", tls: TLSConfig{CAFile: "ca"},
			says: "clusters.a.tls: options are set, but enabled is false: set enabled: true, or " +
				"remove them"},
		{name: "no key", tls: TLSConfig{Enabled: true, CertFile: "c"},
			says: "clusters.a.tls.key_file: none: name the file with the key of cert_file"},
		{name: "no certificate", tls: TLSConfig{Enabled: true, KeyFile: "k"},
			says: "clusters.a.tls.cert_file: none: name the file with the certificate of key_file"},
		{name: "port", tls: TLSConfig{Enabled: true, ServerName: "kafka:9092"},
			says: `clusters.a.tls.server_name: "kafka:9092": write it without the port`},
		{name: "TLS twice", tls: TLSConfig{Enabled: true},
			by:   []Option{WithTLS("a", &tls.Config{})},
			says: "clusters.a.tls: WithTLS says how TLS is spoken: remove the one or the other"},

		{name: "TLS of another cluster", by: []Option{WithTLS("evnts", &tls.Config{}),
			WithCredentials("events-eu", nobody)},
			says: "WithTLS: there is no cluster \"evnts\": did you mean \"events\"?\n" +
				"WithCredentials: there is no cluster \"events-eu\": did you mean \"events\"?"},
		{name: "credentials of another cluster", by: []Option{WithCredentials("spare", nobody)},
			says: "WithCredentials: there is no cluster \"spare\": write one of a, events"},
		{name: "nothing for TLS", by: []Option{WithTLS("a", nil), WithCredentials("events", nil)},
			says: "WithTLS: the configuration for \"a\" is nil: give one, or remove the option\n" +
				"WithCredentials: the function for \"events\" is nil: give one, or remove the " +
				"option"},

		{name: "no mechanism", sasl: SASLConfig{User: "u"},
			says: "clusters.a.sasl.mechanism: none: there are credentials: write one of plain, " +
				"scram-sha-256, scram-sha-512, oauthbearer, aws-msk-iam"},
		{name: "no mechanism for the option", by: []Option{WithCredentials("a", nobody)},
			says: "clusters.a.sasl.mechanism: none: there are credentials: write one of plain, " +
				"scram-sha-256, scram-sha-512, oauthbearer, aws-msk-iam"},
		{name: "misspelt", sasl: SASLConfig{Mechanism: "SCRAM", User: "u", Password: "p"},
			says: `clusters.a.sasl.mechanism: "SCRAM": write one of plain, scram-sha-256, scram-sha-512, oauthbearer, aws-msk-iam`},
		{name: "neither user nor password", sasl: SASLConfig{Mechanism: "plain"},
			says: "clusters.a.sasl.user: none: name the user\n" +
				"clusters.a.sasl.password: write either password or password_file, or use " +
				"WithCredentials"},
		{name: "two passwords", sasl: SASLConfig{Mechanism: "plain", User: "u", Password: "p",
			PasswordFile: "f"},
			says: "clusters.a.sasl.password: write either password or password_file, or use " +
				"WithCredentials"},
		{name: "stars", sasl: SASLConfig{Mechanism: "plain", User: "u", Password: "***"},
			says: "clusters.a.sasl.password: it is what is shown in the place of a password: " +
				"write the password itself, or name a password_file"},
		{name: "token of none", sasl: SASLConfig{Mechanism: "plain", User: "u", Password: "p",
			TokenFile: "t"},
			says: "clusters.a.sasl.token_file: plain has no token: remove it"},
		{name: "no token", sasl: SASLConfig{Mechanism: "oauthbearer"},
			says: "clusters.a.sasl.token_file: none: name the file with the token, or use " +
				"WithCredentials"},
		{name: "token of a user", sasl: SASLConfig{Mechanism: "oauthbearer", User: "u",
			TokenFile: "t"},
			says: "clusters.a.sasl: oauthbearer has neither user nor password: remove them"},
		{name: "credentials twice", sasl: SASLConfig{Mechanism: "plain", User: "u"},
			by: []Option{WithCredentials("a", nobody)},
			says: "clusters.a.sasl: WithCredentials brings the credentials: remove all but the " +
				"mechanism, or the option"},
	} {
		t.Run(x.name, func(t *testing.T) {
			refuse := func(context.Context, string, string) (net.Conn, error) {
				return nil, errors.New("nobody is there")
			}
			p, err := New(Config{
				Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"a:1"}, TLS: x.tls,
					SASL: x.sasl}, "events": {Brokers: []string{"b:1"}}},
				Priorities: PrioritiesConfig{Low: PriorityConfig{Cluster: "a"},
					Medium: PriorityConfig{Cluster: "events"}}},
				append(x.by, WithDialer(refuse))...)
			if x.says == "" {
				require.NoError(t, err)
				_, err = p.Close(t.Context())
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, "forebay: wrong configuration:\n"+x.says)
		})
	}
}

func nobody(context.Context) (Credentials, error) { return Credentials{}, errors.New("nobody") }

func TestProducer_TLSChecksTheBrokersNameAndShowsOurCertificate(t *testing.T) {
	ca, dir := testca.New(t), t.TempDir()
	theirs, ours := ca.Issue(t, "broker", time.Hour, "kafka", "127.0.0.1"), ca.Issue(t, "service",
		time.Hour)
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{theirs.TLS(t)}, ClientCAs: ca.Pool(), ClientAuth: tls.RequireAndVerifyClientCert}))
	require.NoError(t, err)
	defer k.Close()
	right := TLSConfig{Enabled: true, CAFile: testca.Write(t, dir, "ca", ca.PEM()),
		CertFile: testca.Write(t, dir, "cert", ours.Cert), KeyFile: testca.Write(t, dir, "key",
			ours.Key)}
	with := func(change func(*TLSConfig)) TLSConfig {
		c := right
		change(&c)
		return c
	}
	for _, x := range []struct {
		name   string
		tls    TLSConfig
		by     []Option
		reason string // empty: it is let in
	}{
		{name: "the address that is dialled", tls: right},
		{name: "by a dialer of the application", tls: right,
			by: []Option{WithDialer(new(net.Dialer).DialContext)}},
		{name: "a name on the certificate",
			tls: with(func(c *TLSConfig) { c.ServerName = "kafka" })},
		{name: "by option", by: []Option{WithTLS("a",
			&tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{ours.TLS(t)}})}},
		{name: "another name", tls: with(func(c *TLSConfig) { c.ServerName = "other" }),
			reason: "certificate is valid for kafka, not other"},
		{name: "no certificate of ours", tls: with(func(c *TLSConfig) {
			c.CertFile, c.KeyFile = "", ""
		}),
			reason: "the broker refused our TLS: remote error: tls: certificate required"},
		{name: "no such file", tls: with(func(c *TLSConfig) { c.CAFile = "/nowhere" }),
			reason: "clusters.a.tls.ca_file: open /nowhere: no such file or directory"},
	} {
		t.Run(x.name, func(t *testing.T) {
			p, err := New(Config{Clusters: map[string]ClusterConfig{"a": {Brokers: k.ListenAddrs(),
				TLS: x.tls}}}, x.by...)
			require.NoError(t, err)
			defer func() { _, _ = p.Close(t.Context()) }()
			var c ClusterStats
			require.Eventually(t, func() bool {
				c = p.Stats().Clusters["a"]
				return c.State == Up || c.State == Down && x.reason != ""
			}, time.Minute, 5*time.Millisecond)
			require.Equal(t, x.reason == "", c.State == Up)
			require.Contains(t, c.Reason, x.reason)
		})
	}
}

// A producer that is let in with one secret, refused with another, and whose function for
// credentials fails in every way: none of what it says of that has a secret in it.
func TestProducer_ShowsNoSecret(t *testing.T) {
	const good, bad = "sesame-good-Zq", "sesame-bad-Zq"
	ca := testca.New(t)
	pair := ca.Issue(t, "broker", time.Hour, "127.0.0.1")
	k, err := kfake.NewCluster(kfake.NumBrokers(1),
		kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair.TLS(t)}}),
		kfake.EnableSASL(), kfake.Superuser("PLAIN", "service", good))
	require.NoError(t, err)
	defer k.Close()
	// by itself it says nothing
	k.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.KeepControl()
		if !bytes.Contains(req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, []byte(bad)) {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode, resp.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("who are you?")
		return resp, nil, true
	})
	dir := t.TempDir()
	config := func(sasl SASLConfig) Config {
		return Config{Clusters: map[string]ClusterConfig{"a": {
			Brokers: k.ListenAddrs(), TLS: TLSConfig{Enabled: true,
				CAFile: testca.Write(t, dir, "ca", ca.PEM())}, SASL: sasl}}}
	}
	var logged syncBuffer
	log := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()),
		&logged, zap.DebugLevel))
	var slogged syncBuffer
	slogger := slog.New(slog.NewJSONHandler(&slogged,
		&slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
	plain := func(password Secret) SASLConfig {
		return SASLConfig{Mechanism: "plain", User: "service", Password: password}
	}
	scenes := []struct {
		cfg    Config
		by     []Option
		reason string // empty: it is let in
	}{
		{cfg: config(plain(good))},
		{cfg: config(plain(bad)), reason: "SASL authentication failed"},
		{cfg: config(SASLConfig{Mechanism: "plain", User: "service",
			PasswordFile: testca.Write(t, dir, "password", []byte(bad))}),
			reason: "SASL authentication failed"},
		{cfg: config(SASLConfig{Mechanism: "plain"}),
			by: []Option{WithCredentials("a", func(context.Context) (Credentials, error) {
				return Credentials{User: "service", Password: good}, nil
			})}},
		{cfg: config(SASLConfig{Mechanism: "plain"}),
			by: []Option{WithCredentials("a", func(context.Context) (Credentials, error) {
				panic(Credentials{User: "service", Password: good})
			})}, reason: "the function for credentials panicked: with a producer.Credentials"},
		{cfg: config(SASLConfig{Mechanism: "plain"}),
			by: []Option{WithCredentials("a", func(context.Context) (Credentials, error) {
				panic(bad)
			})}, reason: "the function for credentials panicked: with a string"},
		{cfg: config(SASLConfig{Mechanism: "oauthbearer"}),
			by: []Option{WithCredentials("a", func(context.Context) (Credentials, error) {
				return Credentials{Token: bad}, nil
			})}, reason: "the broker does not offer that SASL mechanism"},
	}
	var seen []string
	see := func(of any) {
		text, err := json.Marshal(of)
		if err == nil { // not all of it can be JSON
			seen = append(seen, string(text))
		}
		seen = append(seen, fmt.Sprintf("%v %+v %#v", of, of, of))
	}
	for _, s := range scenes {
		by := new(options)
		WithSlog(slogger).apply(by)
		both := zap.New(zapcore.NewTee(log.Core(), by.logger.Core()))
		p, err := New(s.cfg, append(s.by, WithLogger(both))...)
		require.NoError(t, err)
		wrong := s.cfg
		wrong.Buffer.MaxBytes = 1
		see(p.Reconfigure(wrong))
		_, err = New(wrong, s.by...)
		see(err)
		var c ClusterStats
		require.Eventually(t, func() bool {
			c = p.Stats().Clusters["a"]
			return s.reason == "" && c.State == Up || s.reason != "" && c.State == Down &&
				strings.Contains(c.Reason, s.reason)
		}, time.Minute, 5*time.Millisecond, s.reason)
		require.Contains(t, c.Reason, s.reason)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		see(p.WaitReady(ctx))
		cancel()
		see(p.Stats())
		for e := range p.Current() {
			see(e)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		summary, err := p.Close(ctx)
		cancel()
		see(summary)
		see(err)
		see(p.setup.Load().cfg)
		seen = append(seen, fmt.Sprintf("%+v %#v", p.options, p.options))
	}
	for _, text := range []string{logged.String(), slogged.String()} {
		require.Contains(t, text, "SASL authentication failed")
		seen = append(seen, text)
	}
	for _, text := range seen {
		require.NotContains(t, text, good)
		require.NotContains(t, text, bad)
	}
}

// syncBuffer is a buffer that a logger writes to.
type syncBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements zapcore.WriteSyncer.
func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Sync implements zapcore.WriteSyncer.
func (b *syncBuffer) Sync() error { return nil }

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
