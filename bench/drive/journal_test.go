package drive

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/bench/client"
)

func TestJournal_TellsDeliveredFailedRefusedAndOpen(t *testing.T) {
	j := newJournal(4)
	begin := time.Now().UnixNano()
	for i := range j.sent {
		j.sent[i].Store(begin)
	}
	j.listen(0, client.Delivered)
	j.listen(1, client.Failed)
	j.listen(2, client.Refused)
	j.listen(99, client.Delivered) // of the warm-up
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, j.write(path))
	entries, err := ReadJournal(path)
	require.NoError(t, err)
	require.Len(t, entries, 4)
	require.GreaterOrEqual(t, entries[0].Done, begin)
	require.LessOrEqual(t, entries[1].Done, -begin)
	require.Zero(t, entries[2].Sent)
	require.Equal(t, Entry{Sent: begin}, entries[3])
}
