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

// refused reports whether the broker refuses us, or we refuse it, because of a password, a
// certificate or a version. More attempts do not help, and some sites lock out a user who makes
// them.
func refused(err error) bool {
	_, unfit := errors.AsType[*unfit](err)
	return unfit || elsewhere(err) || secure.Refused(err) ||
		errors.Is(err, kerr.SaslAuthenticationFailed) ||
		errors.Is(err, kerr.UnsupportedSaslMechanism) || errors.Is(err, kerr.IllegalSaslState)
}

// elsewhere reports whether err says that another cluster or broker answers. Nothing but the
// request for its identity was written then.
func elsewhere(err error) bool {
	_, other := errors.AsType[*another](err)
	return other || errors.Is(err, errElsewhere)
}

// reasoned returns err in words that help to mend its cause.
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
	case timedOut(err): // it does not matter which timer ended first
		return fmt.Errorf("no answer in time: %w", err)
	case dial && op.Op == "dial":
		return op.Err // the rest repeats the address
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

// kindOf returns the kind of err. Errors of one kind need the same remedy.
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
	return "connection" // refused, reset, closed, no route
}

// kinds decides when another reason is logged while a cluster is not up: when its kind changes. It
// belongs to whoever publishes.
type kinds struct {
	said  string               // the kind that was logged last
	at    time.Time            // when that was
	now   string               // the kind of the latest reason
	alone time.Time            // since when there was no other kind
	first map[string]time.Time // when each kind was first seen
	known map[string]bool      // the kinds that were logged
}

const (
	// how long a kind lasts before it is logged: the errors of a starting broker pass
	kindLasts = 5 * time.Second
	// how long after the last line a kind is logged again, if it is the only one
	kindAgain = time.Minute
)

// begin starts over: kind is logged now, or empty because there is nothing to log.
func (k *kinds) begin(kind string, now time.Time) {
	*k = kinds{said: kind, at: now, now: kind, alone: now, first: map[string]time.Time{kind: now},
		known: map[string]bool{kind: true}}
}

// note notes the kind of the latest reason, and reports whether to log it. If brokers fail in two
// ways, both kinds alternate: each is logged once.
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
