package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

func TestFailures_KeepTheLastOfEachReason(t *testing.T) {
	var f failures
	f.report(producer.Report{Outcome: producer.Delivered, Err: errors.New("never shown")})
	f.report(producer.Report{Outcome: producer.Expired, Reason: producer.ReasonDeliveryTimeout})
	f.report(producer.Report{Outcome: producer.Expired, Reason: producer.ReasonDeliveryTimeout,
		Err: errors.New("one")})
	f.report(producer.Report{Outcome: producer.Expired, Reason: producer.ReasonDeliveryTimeout,
		Err: errors.New("two")})
	require.Equal(t, []string{"not delivered (delivery timeout), last error: two"}, f.lines())
}
