package cluster

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestDistances_AreTheShortestOfTheLastAnswers(t *testing.T) {
	d := &distances{latest: make(map[int32][]time.Duration)}
	b := &client{away: d}
	for i, id := range []int32{0, 1, -1000} {
		b.places = append(b.places, &place{is: node{id: id, addr: fmt.Sprint(i)}})
	}
	answer := func(id int32, took time.Duration, err error) {
		n := slices.IndexFunc(b.places, func(p *place) bool { return p.is.id == id })
		b.OnBrokerE2E(kgo.BrokerMetadata{Host: fmt.Sprint(placeName, n)}, 3,
			kgo.BrokerE2E{TimeToWrite: time.Hour, ReadWait: time.Millisecond,
				TimeToRead: took - time.Millisecond, ReadErr: err})
	}
	require.Zero(t, d.of(1), "not known")
	answer(1, 50*time.Millisecond, nil)
	answer(1, 400*time.Millisecond, nil)
	answer(1, time.Second, errors.New("cut"))
	answer(-1000, time.Millisecond, nil)
	require.Equal(t, 50*time.Millisecond, d.of(1))
	for range latestAnswers {
		answer(1, 90*time.Millisecond, nil)
	}
	require.Equal(t, 90*time.Millisecond, d.of(1), "it has moved")
	require.Zero(t, d.of(2))
	require.Zero(t, d.of(-1000), "seeds have none")
	d.forget(1)
	require.Zero(t, d.of(1))
}
