package dispatch

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/buffer"
)

// A topic is handed over when what is in flight has come home. Records may expire before that.
func TestSender_WakesForWhatExpiresInATopicThatIsToBeHandedOver(t *testing.T) {
	f := newFilling(t)
	f.topic(false, f.broker())
	ts := f.active[0]
	r := buffer.Record{TTL: 8 * time.Second}
	require.NoError(t, ts.t.Append(&r, buffer.Unkeyed, -1, f.pass.now))
	ts.leaving, ts.all[0].flying = true, new(item)
	ts.survey()
	f.settleActive()
	require.Equal(t, ts.t.Deadline(time.Hour), f.pass.at)
}
