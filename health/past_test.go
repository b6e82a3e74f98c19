package health

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
)

func TestPast_IsWhatTheProducerHasCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := well()
		h := New(f)
		require.JSONEq(t, `{"samples":[]}`, get(t, h, "GET", "/past").Body.String())
		s := producer.Sample{At: noon, Accepted: 9, Delivered: 5, Lost: 1, Refused: 2, Low: 2,
			Medium: 3, High: 4, HeldBytes: 7, Requests: 6, RequestRecords: 8}
		s.DeliveryTime.Buckets[1] = 5
		f.samples = append(f.samples, s)
		time.Sleep(fresh)
		require.JSONEq(t, `{"samples":[{"at":1795435200000,"in":9,"out":5,"lost":3,"held":7,"requests":6,"requestRecords":8,
			"delivery":[0,5,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"lanes":{"low":2,"medium":3,"high":4}}]}`, get(t, h, "GET", "/past").Body.String())
		f.samples = nil
		require.Contains(t, get(t, h, "GET", "/past").Body.String(), `"in":9`,
			"it is not asked for more often than the rest")
	})
}
