//go:build unix

package producer_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/test/kafkatest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(kafkatest.M{M: m},
		// A toxic that closes a connection takes nothing any more, and what its toxiproxy has still
		// read for it waits for ever.
		goleak.IgnoreTopFunction("github.com/Shopify/toxiproxy/v2/toxics.(*NoopToxic).Pipe"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"))
}
