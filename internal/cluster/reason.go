package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/internal/secure"
)

// refused reports whether err says that the broker, or we, will not have the other: a password, a certificate, a version. Nobody gets
// in by knocking more often, and there are places that lock a user out who does.
func refused(err error) bool {
	_, unfit := errors.AsType[*unfit](err)
	return unfit || elsewhere(err) || secure.Refused(err) || errors.Is(err, kerr.SaslAuthenticationFailed) ||
		errors.Is(err, kerr.UnsupportedSaslMechanism) || errors.Is(err, kerr.IllegalSaslState)
}

// elsewhere reports whether err says that somebody else answers where a broker of the cluster should be. Nothing but the question
// who that is was written then.
func elsewhere(err error) bool {
	_, other := errors.AsType[*another](err)
	return other || errors.Is(err, errElsewhere)
}

// reasoned returns err in words that say what to do about it.
func reasoned(err error) error {
	switch op, dial := errors.AsType[*net.OpError](err); {
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		_, said, _ := strings.Cut(err.Error(), kerr.SaslAuthenticationFailed.Error())
		return &worded{"SASL authentication failed" + clip(said), err}
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return &worded{"the broker does not offer that SASL mechanism", err}
	case errors.Is(err, kerr.RebootstrapRequired):
		return &worded{"the broker is not to be asked any more, and says so (REBOOTSTRAP_REQUIRED): the seeds are asked who is", err}
	case timedOut(err): // which of the timers that are running was the first is of no interest
		return fmt.Errorf("no answer in time: %w", err)
	case dial && op.Op == "dial":
		return op.Err // the rest of it says the address again
	}
	return err
}

// worded is an error in other words.
type worded struct {
	words string
	err   error
}

func (w *worded) Error() string { return w.words }
func (w *worded) Unwrap() error { return w.err }

func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}
