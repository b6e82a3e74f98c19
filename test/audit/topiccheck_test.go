//go:build unix

package audit_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/test/kafkatest"
)

// Topics that the audit makes pass its check. In a topic that somebody has made with the defaults
// of the brokers it finds what is wrong.
func TestKafka_F21_TheTopicsOfTheAuditPassItsCheck(t *testing.T) {
	t.Parallel()
	s := newStage(t, kafkatest.Shared(t))
	found, err := audit.CheckStatementTopic(soon(t), s.statements, s.options()...)
	require.NoError(t, err)
	for _, f := range found {
		require.Equal(t, "replicas", f.Setting, "%v", f) // the default of the brokers may be 1
	}
	hearts := kafkatest.TopicName(t)
	_, err = audit.CreateHeartbeatTopic(soon(t), hearts, s.options()...)
	require.NoError(t, err)
	found, err = audit.CheckHeartbeatTopic(soon(t), hearts, s.options()...)
	require.NoError(t, err)
	require.Empty(t, found)

	found, err = audit.CheckStatementTopic(soon(t), s.topic, s.options()...)
	require.NoError(t, err)
	wrong := make(map[string]bool)
	for _, f := range found {
		wrong[f.Setting] = f.Breaks
	}
	delete(wrong, "replicas")
	require.Equal(t, map[string]bool{"cleanup.policy": true, "message.timestamp.type": false}, wrong)
}
