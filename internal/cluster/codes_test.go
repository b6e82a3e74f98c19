package cluster

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
)

func TestActionOf_EveryCodeOfAProduceResponse(t *testing.T) {
	for _, row := range []struct {
		err  *kerr.Error
		want Action
	}{
		{kerr.DuplicateSequenceNumber, Done},
		{kerr.RequestTimedOut, Confirm},
		{kerr.NotEnoughReplicasAfterAppend, Confirm},
		{kerr.NotEnoughReplicas, Elsewhere},
		{kerr.KafkaStorageError, Elsewhere},
		{kerr.NotLeaderForPartition, Elsewhere},
		{kerr.LeaderNotAvailable, Elsewhere},
		{kerr.OutOfOrderSequenceNumber, Renew},
		{kerr.UnknownProducerID, Renew},
		{kerr.InvalidProducerEpoch, Renew},
		{kerr.InvalidProducerIDMapping, NewID},
		{kerr.MessageTooLarge, Split},
		{kerr.UnknownTopicOrPartition, Hold},
		{kerr.UnknownTopicID, Hold},
		{kerr.TopicAuthorizationFailed, Hold},
		{kerr.InvalidRecord, Reject},
		{kerr.InvalidTimestamp, Reject},
		{kerr.CorruptMessage, Reject},
		{kerr.UnsupportedCompressionType, Recompress},
		{kerr.UnknownServerError, Retry},
		{&kerr.Error{Code: 12345}, Retry},
	} {
		require.Equal(t, row.want, ActionOf(row.err.Code), row.err.Message)
	}
	require.Equal(t, Done, ActionOf(0))
}
