package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestComebacks_MeasureToTheFirstDeliveryAfterEachStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newComebacks()
		// before any start
		c.report(producer.Report{Priority: routing.High, Outcome: producer.Delivered})
		c.starting(routing.High)
		time.Sleep(time.Second)
		c.starting(routing.High) // another attempt, as a port was taken
		time.Sleep(30 * time.Millisecond)
		c.report(producer.Report{Priority: routing.Low, Outcome: producer.Delivered})
		c.report(producer.Report{Priority: routing.High, Outcome: producer.Expired})
		time.Sleep(10 * time.Millisecond)
		c.report(producer.Report{Priority: routing.High, Outcome: producer.Delivered})
		c.report(producer.Report{Priority: routing.High, Outcome: producer.Delivered})
		c.starting(routing.High)
		time.Sleep(5 * time.Millisecond)
		c.report(producer.Report{Priority: routing.High, Outcome: producer.Delivered})

		require.Equal(t, []time.Duration{40 * time.Millisecond, 5 * time.Millisecond},
			c.of(routing.High))
		require.Empty(t, c.of(routing.Low))
	})
}
