package producer_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// Loggers that write JSON show what callbacks are given. A number for a reason says nothing there.
func TestJSON_HasWordsWhereOurTypesAreNumbers(t *testing.T) {
	for text, v := range map[string]any{
		`{"Accepted":3,"Delivered":1,"Lost":{"closed":2},"Left":2}`: producer.Summary{
			Accepted: 3, Delivered: 1, Left: 2,
			Lost: map[producer.Reason]uint64{producer.ReasonClosed: 2},
		},
		`["possibly persisted","unanswered at close","trouble","degraded","high","3"]`: []any{
			producer.PossiblyPersisted, producer.ReasonUnansweredClose, producer.EventTrouble,
			producer.Degraded, routing.High, producer.ToPartition(3),
		},
	} {
		got, err := json.Marshal(v)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
}
