package dispatch

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/cluster"
)

// The dispatcher that has a topic now knows of it already, and may sleep for long.
func TestCore_WhatIsGivenBackWakesWhoeverHasTheTopic(t *testing.T) {
	c, err := cluster.New(cluster.Config{Name: "main", Seeds: []string{"a:9092"},
		Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(c.Discard)
	was, topic := newTestCore(t, c, zap.NewNop()), newTestTopic(t)
	require.NoError(t, topic.Append(new(buffer.Record), buffer.Unkeyed, -1, 0))
	b := topic.Take(buffer.Unkeyed, -1, true)
	is := buffer.NewOutlet()
	topic.Assign(is)
	require.NoError(t, topic.Append(new(buffer.Record), buffer.Unkeyed, -1, 0))
	<-is.Woken() // and it sleeps until that has lingered
	was.giveBack(&topicState{t: topic, cfg: topic.Config()}, nil, b)
	require.Len(t, is.Woken(), 1)
}
