package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/forebay-go/forebay/internal/secure"
)

// refused reports whether err says that the broker, or we, will not have the other: a password, a
// certificate, a version. Nobody gets in by knocking more often, and there are places that lock a
// user out who does.
func refused(err error) bool {
	_, unfit := errors.AsType[*unfit](err)
	return unfit || elsewhere(err) || secure.Refused(err) ||
		errors.Is(err, kerr.SaslAuthenticationFailed) ||
		errors.Is(err, kerr.UnsupportedSaslMechanism) || errors.Is(err, kerr.IllegalSaslState)
}

// elsewhere reports whether err says that somebody else answers where a broker of the cluster
// should be. Nothing but the question who that is was written then.
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
		return &worded{"the broker tells clients to start again from their configured brokers " +
			"(REBOOTSTRAP_REQUIRED), which is being done", err}
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

// kindOf says what sort of thing err is, by what somebody has to do about it.
func kindOf(err error) string {
	code, answered := errors.AsType[*kerr.Error](err)
	_, name := errors.AsType[*net.DNSError](err)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, kerr.SaslAuthenticationFailed),
		errors.Is(err, kerr.UnsupportedSaslMechanism), errors.Is(err, kerr.IllegalSaslState):
		return "authentication"
	case elsewhere(err):
		return "another cluster"
	case refused(err):
		return "TLS"
	case answered:
		return code.Message
	case name:
		return "name"
	case timedOut(err):
		return "timeout"
	}
	return "connection" // refused, reset, closed, no route: nobody is there
}

// kinds decides when a reason is said again while a cluster is not up: when its kind is another
// one. It belongs to whoever publishes.
type kinds struct {
	said  string               // the kind that was said last
	at    time.Time            // and when
	now   string               // the kind of the latest reason
	alone time.Time            // since when there was no other one
	first map[string]time.Time // when each kind was first seen
	known map[string]bool      // those that were said
}

const (
	// how long a kind is there before it is said: what a broker that starts says passes
	kindLasts = 5 * time.Second
	// how long after the last line a kind is said again that was said before, where it is the only
	// one
	kindAgain = time.Minute
)

// begin begins anew: the kind is being said, or there is nothing to say.
func (k *kinds) begin(kind string, now time.Time) {
	*k = kinds{said: kind, at: now, now: kind, alone: now, first: map[string]time.Time{kind: now},
		known: map[string]bool{kind: true}}
}

// note notes the kind of the latest reason, and reports whether it is to be said. Brokers that fail
// in two ways say both in turn: each is said once.
func (k *kinds) note(kind string, now time.Time) bool {
	if k.first == nil {
		k.begin(kind, now)
		return false
	}
	if kind != k.now {
		k.now, k.alone = kind, now
	}
	if k.first[kind].IsZero() {
		k.first[kind] = now
	}
	switch {
	case kind == k.said || kind == "":
		return false
	case k.known[kind] && (now.Sub(k.alone) < kindLasts || now.Sub(k.at) < kindAgain):
		return false
	case now.Sub(k.first[kind]) < kindLasts:
		return false
	}
	k.said, k.at, k.known[kind] = kind, now, true
	return true
}
