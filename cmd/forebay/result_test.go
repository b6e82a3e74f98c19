package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

func TestResult_SaysWhatBecameOfTheInput(t *testing.T) {
	lost := map[producer.Reason]uint64{producer.ReasonDeliveryTimeout: 1200,
		producer.ReasonClosed: 1}
	for name, row := range map[string]struct {
		result result
		text   string
		code   int
	}{
		"all delivered": {
			result{summary: producer.Summary{Accepted: 4000, Delivered: 4000}},
			"accepted 4,000, delivered 4,000, not delivered 0, in 2.0s, 2,000/s", exitOK},
		"some lost": {
			result{summary: producer.Summary{Accepted: 5201, Delivered: 4000, Lost: lost},
				tooLarge: 2, doubled: 3},
			"accepted 5,201, delivered 4,000, not delivered 1,203 (1 given up on interrupt, " +
				"1,200 delivery timeout, 2 too large), 3 possibly duplicated, in 2.0s, 2,000/s",
			exitFailed},
		"a file not read": {
			result{unread: 1}, "accepted 0, delivered 0, not delivered 0, in 2.0s, 0/s, 1 input " +
				"not read to its end", exitFailed},
		"interrupted before the end": {
			result{interrupted: true, signaled: true},
			"accepted 0, delivered 0, not delivered 0, in 2.0s, 0/s, interrupted before the end " +
				"of the input", exitInterrupted},
		"interrupted after the end, all delivered": {
			result{signaled: true},
			"accepted 0, delivered 0, not delivered 0, in 2.0s, 0/s", exitOK},
		"interrupted after the end, some lost": {
			result{signaled: true, tooLarge: 1},
			"accepted 0, delivered 0, not delivered 1 (1 too large), in 2.0s, " +
				"0/s", exitInterrupted},
	} {
		t.Run(name, func(t *testing.T) {
			row.result.elapsed = 2 * time.Second
			require.Equal(t, row.text, row.result.String())
			require.Equal(t, row.code, row.result.code())
		})
	}
}
