package audit

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Several clients of an agent have the same options. What one adds must not end up in another.
func TestFollow_LeavesTheOptionsOfItsCallerAlone(t *testing.T) {
	opts := make([]kgo.Opt, 1, 20)
	opts[0] = kgo.SeedBrokers("127.0.0.1:1")
	f, err := Follow(StatementTopic, nil, opts...)
	require.NoError(t, err)
	f.Close()
	for _, o := range opts[1:cap(opts)] {
		require.Nil(t, o)
	}
}
