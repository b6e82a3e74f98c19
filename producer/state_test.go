package producer

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/internal/cluster"
)

func TestClusterState_HasEveryStateOfACluster(t *testing.T) {
	for s := cluster.State(0); s <= cluster.Closed+1; s++ {
		require.Equal(t, s.String(), ClusterState(s).String())
		require.Equal(t, s.Ready(), ClusterState(s).Ready())
	}
}
