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
		{kerr.KafkaStorageError, Confirm},
		{kerr.NetworkException, Confirm},
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
		{kerr.CorruptMessage, Resend},
		{kerr.UnsupportedCompressionType, Recompress},
		{kerr.UnknownServerError, Retry},
		{&kerr.Error{Code: 12345}, Retry},
	} {
		require.Equal(t, row.want, ActionOf(row.err.Code), row.err.Message)
	}
	require.Equal(t, Done, ActionOf(0))
}

func TestAction_AnErrorWithAnOffsetIsOfABatchInTheLog(t *testing.T) {
	for _, err := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.NotEnoughReplicas,
		kerr.UnknownTopicOrPartition} {
		require.Equal(t, Confirm, (&Answer{Code: err.Code, Offset: 7}).Action(false), err.Message)
		require.NotEqual(t, Confirm, (&Answer{Code: err.Code, Offset: -1}).Action(false),
			err.Message)
	}
}

func TestAction_WhatMayHaveBeenAppendedStaysInItsPlace(t *testing.T) {
	for _, err := range []*kerr.Error{kerr.NetworkException, kerr.KafkaStorageError} {
		require.Equal(t, Confirm, (&Answer{Code: err.Code, Offset: -1}).Action(false), err.Message)
	}
}

func TestAction_ADuplicateOfNothingIsAnothersNumbers(t *testing.T) {
	a := Answer{Code: kerr.DuplicateSequenceNumber.Code, Offset: -1}
	require.Equal(t, Done, a.Action(true))
	require.Equal(t, Renew, a.Action(false))
}
