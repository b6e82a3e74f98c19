package producer

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/internal/dns"
	"github.com/forebay-go/forebay/internal/secure"
)

// TLSConfig says whether and how a cluster is reached over TLS. The files are PEM, and are read
// again for each connection, so a new certificate needs no restart. New does not check that they
// exist. If a file cannot be read, the previous content stays in use.
//
// The name on a broker's certificate is always checked. If it differs from the host that is dialed,
// set ServerName, or pass your own configuration to WithTLS.
type TLSConfig struct {
	// Enabled turns TLS on, version 1.2 or later. False is the default. New rejects the other
	// fields of tls if it is false.
	Enabled bool `yaml:"enabled"`

	// CAFile is a PEM file with the certificates of the trusted authorities. Empty means those that
	// the system trusts.
	CAFile string `yaml:"ca_file"`

	// CertFile is a PEM file with the certificate of this program and its chain, for brokers that
	// require one (mutual TLS). Empty means none. New rejects a certificate without KeyFile.
	CertFile string `yaml:"cert_file"`

	// KeyFile is a PEM file with the key of CertFile, not encrypted. Empty means none. New rejects
	// a key without CertFile.
	KeyFile string `yaml:"key_file"`

	// ServerName is the name that the brokers' certificates must have. Empty means the host that is
	// dialed, for each broker its own. New rejects a name with a port.
	ServerName string `yaml:"server_name"`
}

// SASLConfig says how the program logs in to a cluster. Files are read again for each connection.
// If a file cannot be read, the previous content stays in use. White space at both ends of a file
// is ignored.
//
// If Kafka refuses the password, the cluster is Down, with the reason in Stats, and records wait.
// The producer tries again after half a second on average, then after a second.
type SASLConfig struct {
	// Mechanism is "plain", "scram-sha-256", "scram-sha-512", "oauthbearer" or "aws-msk-iam", in
	// any case. "plain", "oauthbearer" and "aws-msk-iam" send their secret in a form that a
	// listener can use: combine them with TLS. Empty means none. New rejects other values, and the
	// other fields of sasl without a mechanism.
	Mechanism string `yaml:"mechanism"`

	// User is the user, or the access key ID of "aws-msk-iam". Empty means none: for "oauthbearer",
	// or because WithCredentials has it.
	User string `yaml:"user"`

	// Password is the password of User, or the secret access key of "aws-msk-iam". Empty means
	// none: PasswordFile or WithCredentials has it. New rejects a password together with
	// PasswordFile.
	Password Secret `yaml:"password" secret:"true"`

	// PasswordFile is a file with the password. It is read again when it changes. Empty means none.
	PasswordFile string `yaml:"password_file"`

	// TokenFile is a file with the token of "oauthbearer", or the session token of "aws-msk-iam".
	// It is read again when it changes. Empty means none. The region of "aws-msk-iam" is the one in
	// the broker's name, or else AWS_REGION or AWS_DEFAULT_REGION.
	TokenFile string `yaml:"token_file"`
}

// Credentials are what WithCredentials brings: what the fields of SASLConfig of that name say, or
// the files in their place.
type Credentials struct {
	User       string
	Password   Secret
	Token      Secret
	Extensions map[string]string // of "oauthbearer", beside the token
}

// WithCredentials has fn asked for the credentials of a cluster, for each connection, in place of
// the user, password and files of its SASLConfig, whose Mechanism says what is needed. It is for
// tokens that have to be fetched, and for passwords in a vault.
//
// It is called on a goroutine of its own by one connection at a time; those that come meanwhile
// share what it brings. A connection waits for it for two seconds, its context ends after ten. An
// error, or a panic, is the reason why the cluster is down, and it is asked again as brokers are
// tried again.
//
// New and Reconfigure reject the name of a cluster that is not in the Config. New rejects a nil
// function.
func WithCredentials(cluster string, fn func(ctx context.Context) (Credentials, error)) Option {
	return optionFunc(func(o *options) {
		if fn == nil {
			o.wrong = append(o.wrong,
				fmt.Errorf("WithCredentials: the function for %q is nil: give one, or remove "+
					"the option", cluster))
			return
		}
		o.credentials = with(o.credentials, cluster, fn)
	})
}

// WithTLS has a cluster spoken to over TLS by cfg, in place of its TLSConfig: for certificates that
// are in no file, or checks of your own. Its callbacks are called for each connection and have to
// be fast. Where cfg has no ServerName the host that is dialled is checked.
//
// New and Reconfigure reject the name of a cluster that is not in the Config. New rejects a nil
// cfg.
func WithTLS(cluster string, cfg *tls.Config) Option {
	return optionFunc(func(o *options) {
		if cfg == nil {
			o.wrong = append(o.wrong,
				fmt.Errorf("WithTLS: the configuration for %q is nil: give one, or remove the "+
					"option", cluster))
			return
		}
		o.tls = with(o.tls, cluster, cfg.Clone())
	})
}

func with[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = make(map[string]V)
	}
	m[key] = value
	return m
}

// Secret is a text that is not shown: whatever prints, logs or encodes it gets three stars, or
// nothing where it is empty. A conversion to string shows it, and so does package fmt in a field of
// another type that is not exported, whose methods it may not call: keep a Config in an exported
// field, or behind a pointer.
type Secret string

// redacted stands for a secret that is not empty.
const redacted = "***"

// String returns stars.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString returns stars, for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format writes stars, whatever the verb.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'q' || verb == 'v' && f.Flag('#') {
		text = s.GoString()
	}
	_, _ = io.WriteString(f, text) // fmt has nobody to tell
}

// MarshalText returns stars, for YAML, JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// security checks how a cluster is spoken to, beside what options say of it.
func (c *checker) security(field, name string, cc *ClusterConfig, o *options) {
	c.tls(field+".tls", &cc.TLS, o.tls[name] != nil)
	c.sasl(field+".sasl", &cc.SASL, o.credentials[name] != nil)
}

func (c *checker) tls(field string, t *TLSConfig, byOption bool) {
	switch {
	case byOption && *t != (TLSConfig{}):
		c.fail(field, "WithTLS says how TLS is spoken: remove the one or the other")
	case !t.Enabled && *t != (TLSConfig{}):
		c.fail(field, "options are set, but enabled is false: set enabled: true, or remove them")
	}
	if t.CertFile != "" && t.KeyFile == "" {
		c.fail(field+".key_file", "none: name the file with the key of cert_file")
	}
	if t.KeyFile != "" && t.CertFile == "" {
		c.fail(field+".cert_file", "none: name the file with the certificate of key_file")
	}
	if _, _, err := net.SplitHostPort(t.ServerName); err == nil {
		c.fail(field+".server_name", "%q: write it without the port", t.ServerName)
	}
}

func (c *checker) sasl(field string, s *SASLConfig, byOption bool) {
	given := *s != SASLConfig{Mechanism: s.Mechanism}
	switch {
	case s.Mechanism == "":
		if given || byOption {
			c.fail(field+".mechanism", "none: there are credentials: write one of %s",
				strings.Join(secure.Mechanisms, ", "))
		}
		return
	case byOption && given:
		c.fail(field,
			"WithCredentials brings the credentials: remove all but the mechanism, or the option")
		return
	case s.Password == redacted:
		c.fail(field+".password",
			"it is what is shown in the place of a password: write the password itself, or name "+
				"a password_file")
	}
	c.oneOf(field+".mechanism", &s.Mechanism, secure.Mechanisms...)
	if byOption {
		return
	}
	if s.Mechanism == secure.OAuthBearer {
		c.bearer(field, s)
		return
	}
	if s.User == "" {
		c.fail(field+".user", "none: name the user")
	}
	if (s.Password == "") == (s.PasswordFile == "") {
		c.fail(field+".password", "write either password or password_file, or use WithCredentials")
	}
	if s.TokenFile != "" && s.Mechanism != secure.AWSMSKIAM {
		c.fail(field+".token_file", "%s has no token: remove it", s.Mechanism)
	}
}

func (c *checker) bearer(field string, s *SASLConfig) {
	if s.TokenFile == "" {
		c.fail(field+".token_file", "none: name the file with the token, or use WithCredentials")
	}
	if s.User != "" || s.Password != "" || s.PasswordFile != "" {
		c.fail(field, "oauthbearer has neither user nor password: remove them")
	}
}

// named checks that options are about clusters that there are. A name that is ignored would leave
// its cluster without TLS.
func (c *checker) named(o *options, clusters map[string]ClusterConfig) {
	c.errs = append(c.errs, o.wrong...)
	for _, name := range slices.Sorted(maps.Keys(o.tls)) {
		c.known("WithTLS", name, clusters)
	}
	for _, name := range slices.Sorted(maps.Keys(o.credentials)) {
		c.known("WithCredentials", name, clusters)
	}
}

// network is how brokers are reached.
type network struct {
	dial  cluster.DialFunc
	names *dns.Dialer // nil with an application's dialer that looks up names itself
	log   *zap.Logger
}

// network returns how brokers are reached. Who asks for it closes names.
func (o *options) network(r ResolverConfig, log *zap.Logger) network {
	dial := o.dial
	if dial != nil {
		dial = survived(dial)
	}
	if dial != nil && o.lookup == nil {
		return network{dial: dial, log: log}
	}
	names := dns.New(dns.Config{Lookup: o.lookup, Dial: dial, RefreshEvery: r.RefreshEvery,
		StaleFor: r.StaleFor})
	return network{dial: names.DialContext, names: names, log: log}
}

// secured returns how the cluster of that name is dialled, and what its clients need to say who
// they are.
func (n network) secured(o *options, name string, cc *ClusterConfig) (cluster.DialFunc, []kgo.Opt) {
	dial, field := n.dial, "clusters."+name
	switch given := o.tls[name]; {
	case given != nil:
		always := secure.NewSource(field+".tls",
			func(context.Context) (*tls.Config, error) { return given, nil })
		dial = cluster.DialFunc(secure.Dial(always, n.shielded))
	case cc.TLS.Enabled:
		t := secure.TLS{CAFile: cc.TLS.CAFile, CertFile: cc.TLS.CertFile, KeyFile: cc.TLS.KeyFile,
			ServerName: cc.TLS.ServerName}
		dial = cluster.DialFunc(secure.Dial(t.Source(n.log, field+".tls"), n.shielded))
	}
	dial = survived(dial)
	if cc.SASL.Mechanism == "" {
		return dial, nil
	}
	s := secure.SASL{User: cc.SASL.User, Password: string(cc.SASL.Password),
		PasswordFile: cc.SASL.PasswordFile, TokenFile: cc.SASL.TokenFile}
	from := s.Source(n.log, field+".sasl")
	if fn := o.credentials[name]; fn != nil {
		from = secure.NewSource(field+".sasl: the function for credentials",
			func(ctx context.Context) (secure.Credentials, error) {
				c, err := fn(ctx)
				return secure.Credentials{User: c.User, Password: string(c.Password),
					Token: string(c.Token), Extensions: c.Extensions}, err
			})
	}
	return dial, []kgo.Opt{kgo.SASL(secure.Mechanism(cc.SASL.Mechanism, from))}
}

// survived returns dial with an error in place of a panic, and of a connection that is nil: both of
// them would end the program in the client's goroutine. They come from the application's dialer, or
// from a function in its TLS configuration.
func survived(dial cluster.DialFunc) cluster.DialFunc {
	return func(ctx context.Context, netw, addr string) (conn net.Conn, err error) {
		failed := func(format string, args ...any) error {
			return &net.OpError{Op: "dial", Net: netw, Err: fmt.Errorf(format, args...)}
		}
		defer func() {
			if v := recover(); v != nil {
				conn, err = nil, failed("the dialer panicked: %v", v)
			}
		}()
		if conn, err = dial(ctx, netw, addr); conn == nil && err == nil {
			err = failed("the dialer returned neither a connection nor an error")
		}
		return conn, err
	}
}

// shielded returns a function that opens connections that speak TLS by cfg, over the application's
// dialer if that is given names.
func (n network) shielded(cfg *tls.Config) secure.DialFunc {
	if n.names != nil {
		return secure.DialFunc(n.names.WithTLS(cfg))
	}
	return secure.DialFunc(dns.Shielded(dns.DialFunc(n.dial), cfg))
}
