package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestExample_FrontingClustersIsWhatItSays(t *testing.T) {
	cfg, origins, err := Load("../examples/fronting.yaml", WithEnviron())
	require.NoError(t, err)
	p, err := producer.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = p.Close(t.Context()) })
	settings, err := Effective(cfg, origins)
	require.NoError(t, err)
	for _, s := range settings {
		if strings.HasSuffix(s.Field, ".cluster") && strings.Count(s.Field, ".") == 2 {
			require.Equal(t, `"`+strings.Split(s.Field, ".")[1]+`"`, s.Value,
				"a priority goes to the cluster of its name")
		}
	}
	table, err := routing.NewTable(cfg.Rules())
	require.NoError(t, err)
	require.Equal(t, routing.High, table.Priority("playback.stop"))
	require.Equal(t, routing.Low, table.Priority("error-log"))
	require.Equal(t, routing.Medium, table.Priority("member.signup"))
	for _, field := range []string{"client_id", "clusters", "priorities", "topics", "buffer",
		"batching"} {
		require.NotZero(t, origins.Of(field), "the example shows %s", field)
	}
}
