//go:build unix

package producer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/forebay-go/forebay/producer"
)

func TestKafka_PreflightSaysWhatTheBrokersWouldRefuse(t *testing.T) {
	t.Parallel()
	c := guarded(t)
	adm := c.Admin(t)
	ours, theirs, missing := newTopic(t, c, 2), newTopic(t, c, 1), "not.there"
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"kafka": {
		Brokers: c.Seeds(), CreateTopics: producer.CreateTopicsConfig{Enabled: true}}}}
	// says waits until the broker enforces the rules, some time after it has accepted them.
	says := func(problems bool, lines ...string) {
		t.Helper()
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			report, err := cfg.Preflight(t.Context(), []string{ours, theirs, missing})
			require.NoError(c, err)
			require.Equal(c, problems, report.Err() != nil, report)
			for _, line := range lines {
				require.Contains(c, report.String()+"\n", line+"\n")
			}
		}, patience, 20*time.Millisecond)
	}
	says(false, "ok: cluster kafka: "+c.Seeds()[0]+": answers",
		"ok: cluster kafka: producer IDs are given out",
		"ok: cluster kafka: brokers report their settings",
		"ok: cluster kafka: "+ours+": exists, 2 partitions",
		"ok: cluster kafka: "+theirs+": writing is permitted",
		"ok: cluster kafka: not.there: does not exist; it is created when there are records for it")

	setRules(t, adm, allow(kadm.OpAll).Topics(theirs, missing), allow(kadm.OpAll).Clusters(),
		deny(kadm.OpWrite).Topics(theirs), deny(kadm.OpCreate).Topics(missing),
		deny(kadm.OpCreate, kadm.OpDescribeConfigs).Clusters())
	says(true, "ok: cluster kafka: "+ours+": writing is permitted",
		"problem: cluster kafka: "+theirs+": no permission to write: add an ACL that allows WRITE",
		"problem: cluster kafka: not.there: does not exist, and there is no permission to create "+
			"it: add an ACL that allows CREATE, or create it",
		"warning: cluster kafka: no permission to read how long brokers remember producers, so "+
			"producer_id_expiration applies: add an ACL that allows DESCRIBE_CONFIGS on the cluster")
	there, err := adm.ListTopics(t.Context(), missing)
	require.NoError(t, err)
	require.Error(t, there[missing].Err, "it has not created the topic")
}
