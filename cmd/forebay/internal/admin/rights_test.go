//go:build unix

package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/internal/testca"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// guarded starts a broker with SASL and ACLs, and returns settings for the user "service".
func guarded(t *testing.T) (*kafkatest.Cluster, producer.Config) {
	ca := testca.New(t)
	pair := ca.Issue(t, "broker", time.Hour, "127.0.0.1")
	kafka := kafkatest.Start(t, kafkatest.Secure(ca.PEM(), pair.Cert, pair.Key, "SCRAM-SHA-512"),
		kafkatest.Property("authorizer.class.name",
			"org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
		kafkatest.Property("super.users", "User:ANONYMOUS"))
	done, err := kafka.Admin(t).AlterUserSCRAMs(t.Context(), nil, []kadm.UpsertSCRAM{
		{User: "service", Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "right"}})
	require.NoError(t, err)
	require.NoError(t, done.Error())
	cfg := settings(t, kafka.SecureSeeds())
	cluster := cfg.Clusters["kafka"]
	cluster.TLS = producer.TLSConfig{Enabled: true,
		CAFile: testca.Write(t, t.TempDir(), "ca.pem", ca.PEM())}
	cluster.SASL = producer.SASLConfig{Mechanism: "scram-sha-512", User: "service",
		Password: "right"}
	cfg.Clusters["kafka"] = cluster
	return kafka, cfg
}

func TestKafka_ProbeSaysWhichRightsAreMissingUntilTheyAreGranted(t *testing.T) {
	t.Parallel()
	kafka, cfg := guarded(t)
	for _, topic := range []string{"full", "read", "none"} {
		kafka.CreateTopic(t, topic, 1)
	}
	grant := func(topic string, ops ...kadm.ACLOperation) {
		made, err := kafka.Admin(t).CreateACLs(t.Context(),
			kadm.NewACLs().Allow("User:service").AllowHosts("*").Operations(ops...).Topics(topic))
		require.NoError(t, err)
		for _, r := range made {
			require.NoError(t, r.Err, r.ErrMessage)
		}
	}
	// says waits until the broker enforces the ACLs, some time after it has accepted them.
	says := func(lines ...string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			got := strings.Join(probed(c, cfg, Choices{}, "full", "read", "none"), "\n") + "\n"
			for _, line := range lines {
				require.Contains(c, got, line+"\n")
			}
		}, time.Minute, 20*time.Millisecond)
	}
	grant("full", kadm.OpDescribe, kadm.OpDescribeConfigs, kadm.OpWrite)
	grant("read", kadm.OpDescribe, kadm.OpRead)
	says("ok full writing is permitted",
		"warning full retention 168 h: medium priority recommends 4 h",
		"ok read exists, 1 partition",
		"wrong read no permission to write: add an ACL that allows WRITE",
		"warning read the broker does not report retention.ms",
		"wrong none no permission to write or describe: add an ACL that allows WRITE")
	grant("read", kadm.OpWrite)
	grant("none", kadm.OpWrite) // which includes the permission to describe
	says("ok full writing is permitted", "ok read writing is permitted",
		"ok none writing is permitted")
}
