//go:build unix

package kafkatest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Secure gives each broker a second listener, for clients that say who they are: over TLS with the
// certificate and key in pair, both PEM, and by the SASL mechanisms named ("SCRAM-SHA-256",
// "SCRAM-SHA-512", "OAUTHBEARER"), or, where none is, by a certificate that one of the authorities
// in ca has signed. Its addresses are SecureSeeds. Everything in this package goes on to use the
// listener that asks nobody.
//
// Users of SCRAM are made with Admin.
func Secure(ca, cert, key []byte, mechanisms ...string) Option {
	return optionFunc(func(c *config) {
		c.secure = &secureListener{ca: ca, pair: bytes.Join([][]byte{key, cert}, nil),
			mechanisms: mechanisms}
	})
}

// secureListener is the second listener of every broker.
type secureListener struct {
	ca, pair   []byte
	mechanisms []string
}

const secureName = "SECURE"

// loginModules say how a broker checks who comes.
var loginModules = map[string]string{
	"SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
	"SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
	// takes tokens that nobody has signed
	"OAUTHBEARER": "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule",
}

// properties returns what b needs for it, and writes the files.
func (s *secureListener) properties(b *Broker, p map[string]string) error {
	protocol := "SSL"
	if len(s.mechanisms) > 0 {
		protocol = "SASL_SSL"
	}
	addr := secureName + "://" + b.secure.addr()
	p["listeners"] += "," + addr
	p["advertised.listeners"] += "," + addr
	p["listener.security.protocol.map"] += "," + secureName + ":" + protocol
	set := func(key, value string) {
		p["listener.name."+strings.ToLower(secureName)+"."+key] = value
	}
	set("ssl.keystore.type", "PEM")
	set("ssl.keystore.location", filepath.Join(b.dir, "pair.pem"))
	set("ssl.truststore.type", "PEM")
	set("ssl.truststore.location", filepath.Join(b.dir, "ca.pem"))
	if len(s.mechanisms) == 0 {
		set("ssl.client.auth", "required")
	}
	set("sasl.enabled.mechanisms", strings.Join(s.mechanisms, ","))
	for _, m := range s.mechanisms {
		set(strings.ToLower(m)+".sasl.jaas.config", loginModules[m]+" required;")
	}
	for name, text := range map[string][]byte{"pair.pem": s.pair, "ca.pem": s.ca} {
		if err := os.WriteFile(filepath.Join(b.dir, name), text, 0o600); err != nil {
			return fmt.Errorf("write the certificates of broker %d: %w", b.nodeID, err)
		}
	}
	return nil
}

// SecureSeeds returns the addresses of the listeners that Secure made, in the order of the node
// ids.
func (c *Cluster) SecureSeeds() []string {
	var seeds []string
	for _, b := range c.brokers {
		seeds = append(seeds, b.secure.addr())
	}
	return seeds
}

// Certify has the listeners that Secure made show another certificate, and returns when that is
// what they show.
func (c *Cluster) Certify(t testing.TB, cert, key []byte) {
	t.Helper()
	for _, b := range c.brokers {
		// the same name would be the same certificate to Kafka
		path := filepath.Join(b.dir, fmt.Sprintf("pair-%d.pem", time.Now().UnixNano()))
		if err := os.WriteFile(path, bytes.Join([][]byte{key, cert}, nil), 0o600); err != nil {
			t.Fatalf("kafkatest: write a certificate of broker %d: %v", b.nodeID, err)
		}
		c.admin(t, "change the certificate", func(ctx context.Context, adm *kadm.Client) error {
			name := "listener.name." + strings.ToLower(secureName) + ".ssl.keystore.location"
			altered, err := adm.AlterBrokerConfigs(ctx,
				[]kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &path}}, b.nodeID)
			if err != nil {
				return err
			}
			return altered[0].Err
		})
		c.do(t, "see the certificate",
			func(ctx context.Context) error { return b.awaitCertificate(ctx, cert) })
	}
}

// awaitCertificate waits until the broker shows cert: it takes it over some time after it has said
// that it will.
func (b *Broker) awaitCertificate(ctx context.Context, cert []byte) error {
	block, _ := pem.Decode(cert)
	for {
		shown := false
		d := tls.Dialer{Config: &tls.Config{
			InsecureSkipVerify: true, //nolint:gosec // it is looked at, not trusted
			VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
				shown = len(raw) > 0 && bytes.Equal(raw[0], block.Bytes)
				return nil
			},
		}}
		if conn, err := d.DialContext(ctx, "tcp", b.secure.addr()); err == nil {
			_ = conn.Close()
		}
		if shown {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
