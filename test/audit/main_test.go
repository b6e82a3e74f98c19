//go:build unix

package audit_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/test/kafkatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(kafkatest.M{M: m}) }
