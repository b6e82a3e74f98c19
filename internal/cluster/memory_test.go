package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func saying(code int16, settings map[string]string) *kmsg.DescribeConfigsResponse {
	r := kmsg.DescribeConfigsResponseResource{ErrorCode: code}
	for name, value := range settings {
		r.Configs = append(r.Configs, kmsg.DescribeConfigsResponseResourceConfig{Name: name,
			Value: &value})
	}
	return &kmsg.DescribeConfigsResponse{Resources: []kmsg.DescribeConfigsResponseResource{r}}
}

func TestMemory_ReadsWhatBrokersOfEachVersionSay(t *testing.T) {
	for _, c := range []struct {
		says map[string]string
		want time.Duration // 0: it is not known
	}{
		{map[string]string{ownMemory: "3000", sharedMemory: "604800000"}, 3 * time.Second},
		{map[string]string{sharedMemory: "604800000"}, 7 * 24 * time.Hour}, // before Kafka 3.4
		{map[string]string{ownMemory: "9223372036854775807"}, 365 * 24 * time.Hour},
		{map[string]string{ownMemory: "-5"}, 0},
		{map[string]string{ownMemory: "soon"}, 0},
		{nil, 0},
	} {
		got, err := memorySaid(saying(0, c.says))
		require.Equal(t, c.want, got, "%v", c.says)
		require.Equal(t, c.want == 0, err != nil, "%v", c.says)
	}
	_, err := memorySaid(saying(kerr.ClusterAuthorizationFailed.Code,
		map[string]string{ownMemory: "3000"}))
	require.ErrorIs(t, err, kerr.ClusterAuthorizationFailed)
}

func TestMemory_BelievesABrokerThenTheOthersThenTheSettingsThenADay(t *testing.T) {
	require.Equal(t, DefaultMemory, newMemory(0).of(1))
	m := newMemory(time.Hour)
	require.Equal(t, time.Hour, m.of(1))
	m.note(1, 2*time.Hour)
	m.note(2, 3*time.Hour)
	require.Equal(t, 2*time.Hour, m.of(1))
	require.Equal(t, 3*time.Hour, m.of(2))
	require.Equal(t, 2*time.Hour, m.of(3))
}

func TestMemory_AsksOncePerHourAndSoonAgainWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(0)
		require.True(t, m.due(1))
		require.False(t, m.due(1))
		require.False(t, m.due(2), "one after the other")
		time.Sleep(memoryApart)
		require.True(t, m.due(2))
		m.missed(1)
		require.False(t, m.due(1))
		time.Sleep(memorySoon)
		require.True(t, m.due(1))
		require.False(t, m.due(2))
		time.Sleep(memoryAge - memorySoon)
		require.False(t, m.due(2))
		time.Sleep(memoryDrift + memorySoon)
		require.True(t, m.due(2))
	})
}
