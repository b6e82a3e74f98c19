//go:build unix

package producer_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/internal/testca"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
	"github.com/forebay-go/forebay/test/proof"
)

// The tests here have real brokers ask who we are, and change the answer that they want.

// strict is a broker that asks who comes, and what it takes to be let in.
type strict struct {
	*kafkatest.Cluster
	ca   *testca.CA
	dir  string // of our files
	link *faultnet.Link
}

// startStrict starts a broker with a listener for the SASL mechanisms, or for certificates where
// there is none.
func startStrict(t *testing.T, mechanisms []string, opts ...kafkatest.Option) *strict {
	s := &strict{ca: testca.New(t), dir: t.TempDir(),
		link: faultnet.New(new(net.Dialer).DialContext)}
	pair := s.ca.Issue(t, "broker", time.Hour, "127.0.0.1")
	s.Cluster = kafkatest.Start(t, append(opts,
		kafkatest.Secure(s.ca.PEM(), pair.Cert, pair.Key, mechanisms...))...)
	return s
}

// write writes one of our files.
func (s *strict) write(t *testing.T, name string, text []byte) string {
	t.Helper()
	return testca.Write(t, s.dir, name, text)
}

// writePair writes our certificate and its key.
func (s *strict) writePair(t *testing.T, after time.Duration) (cert, key string) {
	t.Helper()
	pair := s.ca.Issue(t, "service", after)
	return s.write(t, "cert.pem", pair.Cert), s.write(t, "key.pem", pair.Key)
}

// setPassword gives the user "service" a password.
func (s *strict) setPassword(t *testing.T, password string) {
	t.Helper()
	done, err := s.Admin(t).AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{
		{User: "service", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password}})
	require.NoError(t, err)
	require.NoError(t, done.Error())
}

// byPassword and byCertificate configure a producer that says who it is.
func (s *strict) byPassword(t *testing.T, password string) producer.Config {
	cc := producer.ClusterConfig{Brokers: s.SecureSeeds()}
	cc.TLS = producer.TLSConfig{Enabled: true, CAFile: s.write(t, "ca.pem", s.ca.PEM())}
	cc.SASL = producer.SASLConfig{Mechanism: "scram-sha-512", User: "service",
		PasswordFile: s.write(t, "password", []byte(password+"\n"))}
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"events": cc}}
	noMoves(&cfg)
	return cfg
}

func (s *strict) byCertificate(t *testing.T, after time.Duration) producer.Config {
	cc := producer.ClusterConfig{Brokers: s.SecureSeeds()}
	cc.TLS = producer.TLSConfig{Enabled: true, CAFile: s.write(t, "ca.pem", s.ca.PEM())}
	cc.TLS.CertFile, cc.TLS.KeyFile = s.writePair(t, after)
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"events": cc}}
	noMoves(&cfg)
	return cfg
}

// end ends a stream, and checks that everything in it is in Kafka once.
func (s *strict) end(t *testing.T, tr *trial, proven *proof.Case, stop func()) {
	t.Helper()
	stop()
	tr.settleOnce(t, s.Cluster, "events")
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}

// awaitDown waits until the cluster is down for a reason that has these words, and checks that it
// is dialled rarely.
func (s *strict) awaitDown(t *testing.T, tr *trial, proven *proof.Case, words string) {
	t.Helper()
	tr.await(t, "it is not down for that reason: "+words, func(st *producer.Stats) bool {
		return st.Clusters["events"].State == producer.Down &&
			strings.Contains(st.Clusters["events"].Reason, words)
	})
	const watched = 4 * time.Second
	began, dials := time.Now(), s.link.Dials()
	time.Sleep(watched) // that nothing more happens can only be seen by waiting
	dials = s.link.Dials() - dials
	took := time.Since(began) // longer on a busy machine
	require.LessOrEqual(t, float64(dials), 2*took.Seconds()+2, "dials in %v", took)
	st := tr.Stats()
	require.Contains(t, st.Clusters["events"].Reason, words)
	require.NotZero(t, st.Total.Pending)
	proven.Bit("connections refused", dials)
	proven.Held("I16", uint64(dials))
	proven.Figure("the reason: "+words, "%s", st.Clusters["events"].Reason)
}

func TestKafka_F1_WrongTLSAndAWrongPasswordAtTheStartAreSaidAndHeal(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F1", "F12")
	s := startStrict(t, []string{"SCRAM-SHA-512"})
	s.CreateTopic(t, "events", 3)
	s.setPassword(t, "right")

	cfg := s.byPassword(t, "wrong")
	s.write(t, "ca.pem", testca.New(t).PEM())
	tr := try(t, cfg, producer.WithDialer(s.link.Dial))
	stop := tr.stream(t, 2, mixed("events"))
	s.awaitDown(t, tr, proven, "certificate signed by unknown authority")
	s.write(t, "ca.pem", s.ca.PEM())
	s.awaitDown(t, tr, proven, "SASL authentication failed")
	healing := time.Now()
	s.write(t, "password", []byte("right"))
	tr.awaitDelivered(t, 1000)
	proven.Figure("delivers after the password is right", "%v",
		time.Since(healing).Round(time.Millisecond))
	proven.Held("I10", 1)
	s.end(t, tr, proven, stop)
}

// The password is changed at the brokers first, and all connections end: those of a broker that
// restarts do.
func TestKafka_F12_APasswordIsRotatedWhileRecordsFlow(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F12")
	s := startStrict(t, []string{"SCRAM-SHA-512"})
	s.CreateTopic(t, "events", 3)
	s.setPassword(t, "first")
	tr := try(t, s.byPassword(t, "first"), producer.WithDialer(s.link.Dial))
	stop := tr.stream(t, 2, mixed("events"))
	tr.awaitDelivered(t, 1000)

	s.setPassword(t, "second")
	s.link.Reset()
	s.awaitDown(t, tr, proven, "SASL authentication failed")
	s.write(t, "password", []byte("second"))
	tr.awaitDelivered(t, 1000)
	proven.Held("I10", 1)

	// Here it is known before, and nobody notices.
	s.write(t, "password", []byte("third"))
	s.setPassword(t, "third")
	s.link.Reset()
	tr.awaitDelivered(t, 1000)
	s.end(t, tr, proven, stop)
}

// token makes a token that nobody has signed, good for some seconds from now on.
func token(expires time.Time) []byte {
	claims := fmt.Sprintf(`{"sub":"service","iat":%d,"exp":%d}`,
		time.Now().Add(-time.Minute).Unix(), expires.Unix())
	part := base64.RawURLEncoding.EncodeToString
	return []byte(part([]byte(`{"alg":"none"}`)) + "." + part([]byte(claims)) + ".")
}

// A token ends by itself, and a connection that lives on it with it: nobody cuts anything here.
func TestKafka_F12_ATokenExpiresAndIsReplacedWhileRecordsFlow(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F12")
	s := startStrict(t, []string{"OAUTHBEARER"},
		kafkatest.Property("listener.name.secure.oauthbearer.connections.max.reauth.ms", "3600000"))
	s.CreateTopic(t, "events", 3)
	cfg := s.byPassword(t, "")
	cc := cfg.Clusters["events"]
	cc.SASL = producer.SASLConfig{Mechanism: "oauthbearer",
		TokenFile: s.write(t, "token", token(time.Now().Add(10*time.Second)))}
	cfg.Clusters["events"] = cc
	tr := try(t, cfg, producer.WithDialer(s.link.Dial))
	stop := tr.stream(t, 2, mixed("events"))
	tr.awaitDelivered(t, 1000)
	s.awaitDown(t, tr, proven, "SASL authentication failed: the broker does not take the token")
	s.write(t, "token", token(time.Now().Add(time.Hour)))
	tr.awaitDelivered(t, 1000)
	proven.Held("I10", 1)
	s.end(t, tr, proven, stop)
}

func TestKafka_F12_CertificatesExpireAndAreReplacedWhileRecordsFlow(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F12")
	s := startStrict(t, nil)
	s.CreateTopic(t, "events", 3)
	tr := try(t, s.byCertificate(t, 10*time.Second), producer.WithDialer(s.link.Dial))
	expires := time.Now().Add(11 * time.Second)
	stop := tr.stream(t, 2, mixed("events"))
	tr.awaitDelivered(t, 1000)

	time.Sleep(time.Until(expires)) // what is connected goes on
	tr.awaitDelivered(t, 500)
	s.link.Reset()
	s.awaitDown(t, tr, proven, "our certificate has expired")
	s.writePair(t, time.Hour)
	tr.awaitDelivered(t, 1000)

	theirs := s.ca.Issue(t, "broker", -time.Second, "127.0.0.1")
	s.Certify(t, theirs.Cert, theirs.Key)
	s.link.Reset()
	s.awaitDown(t, tr, proven, "certificate has expired or is not yet valid")
	theirs = s.ca.Issue(t, "broker", time.Hour, "127.0.0.1")
	s.Certify(t, theirs.Cert, theirs.Key)
	tr.awaitDelivered(t, 1000)
	proven.Held("I10", 2)
	s.end(t, tr, proven, stop)
}

func TestKafka_F12_ARightThatIsGrantedLateLetsRecordsFlow(t *testing.T) {
	t.Parallel()
	proven := proof.Of(t, "F12", "F10")
	s := startStrict(t, []string{"SCRAM-SHA-512"},
		kafkatest.Property("authorizer.class.name",
			"org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
		kafkatest.Property("super.users", everybody))
	s.CreateTopic(t, "events", 3)
	s.setPassword(t, "right")
	tr := try(t, s.byPassword(t, "right"), producer.WithDialer(s.link.Dial))
	stop := tr.stream(t, 2, mixed("events"))
	tr.await(t, "nothing is said of it", func(st *producer.Stats) bool {
		return strings.Contains(topicOf(st, "events").Trouble, "TOPIC_AUTHORIZATION_FAILED") &&
			st.Clusters["events"].State == producer.Up
	})
	before := tr.Stats()
	require.Zero(t, before.Total.Delivered)
	setRules(t, s.Admin(t),
		kadm.NewACLs().Allow("User:service").AllowHosts("*").Operations(kadm.OpWrite,
			kadm.OpDescribe).Topics("events"))
	granted := time.Now()
	tr.awaitDelivered(t, 1000)
	proven.Bit("records that waited for the right", int64(before.Total.Pending))
	proven.Figure("what was said of it", "%s", topicOf(&before, "events").Trouble)
	proven.Figure("delivers after it is granted", "%v", time.Since(granted).Round(time.Millisecond))
	proven.Held("I10", 1)
	stop()
	tr.settle(t, s.Cluster, "events")
	tr.ledger.Prove(proven)
	logFigures(t, proven)
}
