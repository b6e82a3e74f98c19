package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
)

func TestKindOf_TellsApartWhatSomebodyHasToDo(t *testing.T) {
	dial := func(err error) error {
		return fmt.Errorf("a:9092: %w", &net.OpError{Op: "dial", Err: err})
	}
	for err, kind := range map[error]string{
		dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)): "connection",
		os.NewSyscallError("read", syscall.ECONNRESET):            "connection",
		errors.New("EOF"): "connection",
		dial(&net.DNSError{Err: "no such host", Name: "a", IsNotFound: true}): "name",
		reasoned(context.DeadlineExceeded):                                    "timeout",
		reasoned(fmt.Errorf("%w: no", kerr.SaslAuthenticationFailed)):         "authentication",
		reasoned(kerr.UnsupportedSaslMechanism):                               "authentication",
		kerr.ClusterAuthorizationFailed:                                       "CLUSTER_AUTHORIZATION_FAILED",
		errElsewhere:                                                          "another cluster",
	} {
		require.Equal(t, kind, kindOf(err), "%v", err)
	}
	require.Empty(t, kindOf(nil))
}

func TestKinds_SayEachKindOnceAndAgainWhenItStays(t *testing.T) {
	at := func(d time.Duration) time.Time { return time.Unix(0, 0).Add(d) }
	said := func(k *kinds, from, to time.Duration, every time.Duration,
		kind func(i int) string) (said []string) {
		for i, d := 0, from; d < to; i, d = i+1, d+every {
			if kind := kind(i); k.note(kind, at(d)) {
				said = append(said, fmt.Sprint(kind, " ", d))
			}
		}
		return said
	}
	always := func(kind string) func(int) string { return func(int) string { return kind } }
	var k kinds
	k.begin("connection", at(0))
	require.Empty(t, said(&k, 0, time.Hour, time.Second, always("connection")))
	require.Equal(t, []string{"authentication 1h0m5s"},
		said(&k, time.Hour, 2*time.Hour, time.Second, always("authentication")))
	require.Equal(t, []string{"connection 2h0m5s"},
		said(&k, 2*time.Hour, 3*time.Hour, time.Second, always("connection")), "it is so again")

	k.begin("connection", at(0))
	require.Empty(t, said(&k, 0, 4*time.Second, time.Second, always("timeout")),
		"a broker that starts says several things")
	require.Empty(t, said(&k, 4*time.Second, time.Hour, time.Second, always("connection")))

	k.begin("connection", at(0))
	inTurn := func(i int) string {
		return [...]string{"connection", "authentication", "timeout"}[i%3]
	}
	require.Len(t, said(&k, 0, 24*time.Hour, time.Second, inTurn), 2,
		"brokers that fail in several ways: each is said once")

	k.begin("connection", at(0))
	slowly := func(i int) string { return [...]string{"connection", "authentication"}[i/10%2] }
	require.Less(t, len(said(&k, 0, time.Hour, time.Second, slowly)), 65, "one a minute")
}
