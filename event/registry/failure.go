package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

// kind is a kind of failure. Each is logged by itself.
type kind int

const (
	unregistered kind = iota // a definite answer: the registry does not have it
	rejected                 // a definite answer: the registry does not take the schema
	unreachable              // no connection, or one that broke
	silent                   // no answer in time
	denied                   // the credentials are refused
	refused                  // another status
	nonsense                 // not the answer of a schema registry
)

// failure says why the registry gave no ID, and what to do.
type failure struct {
	kind kind
	text string
	err  error
}

// Error returns the text.
func (f *failure) Error() string { return f.text }

// Unwrap returns the cause, and the error for the kind.
func (f *failure) Unwrap() []error {
	switch f.kind {
	case unregistered:
		return []error{ErrNotRegistered, f.err}
	case rejected:
		return []error{ErrRejected, f.err}
	default:
		return []error{f.err}
	}
}

// definite reports whether another address of the registry would answer the same.
func (f *failure) definite() bool { return f.kind == unregistered || f.kind == rejected }

var errNoID = errors.New("no ID")

// maxText bounds what a text repeats of an answer, in bytes.
const maxText = 200

// newFailure explains the result of a request to the registry at address; nil if there is none.
func newFailure(address string, timeout time.Duration, err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{err: err}
	at := "the registry at " + address
	answer, answered := errors.AsType[*sr.ResponseError](err)
	failed, unsent := errors.AsType[*url.Error](err)
	switch {
	case answered:
		f.kind, f.text = status(at, answer)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		f.kind, f.text = silent, fmt.Sprintf("%s has not answered within %v", at, timeout)
	case isGarbled(err):
		f.kind, f.text = nonsense, at+" answers with something else than an ID: is this the "+
			"address of a schema registry?"
	case unsent:
		f.kind, f.text = unreachable, fmt.Sprintf("%s cannot be reached: %s", at,
			shortened(failed.Err.Error()))
	default:
		f.kind, f.text = unreachable, fmt.Sprintf("%s: %s", at, shortened(err.Error()))
	}
	return f
}

// status explains an answer that is an error.
func status(at string, answer *sr.ResponseError) (kind, string) {
	text := fmt.Sprintf("HTTP %d: %s", answer.StatusCode, shortened(answer.Error()))
	switch {
	case answer.StatusCode == http.StatusNotFound && sr.IsNotFoundError(answer.ErrorCode):
		return unregistered, at + " does not know this schema"
	case answer.ErrorCode != 0 && (answer.StatusCode == http.StatusConflict ||
		answer.StatusCode == http.StatusUnprocessableEntity):
		return rejected, fmt.Sprintf("%s does not take this schema (%s)", at, text)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return denied, fmt.Sprintf("%s refuses the credentials (%s): check User and Password, or "+
			"Token", at, text)
	case answer.ErrorCode == 0 && answer.StatusCode < http.StatusInternalServerError:
		return nonsense, fmt.Sprintf("%s answers %s: is this the address of a schema registry?", at,
			text)
	default:
		return refused, fmt.Sprintf("%s answers %s", at, text)
	}
}

// isGarbled reports whether an answer could not be understood.
func isGarbled(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, other := errors.AsType[*json.UnmarshalTypeError](err)
	_, long := errors.AsType[*http.MaxBytesError](err)
	return syntax || other || long || errors.Is(err, errNoID)
}

// shortened returns text on one line, and not more of it than a log line should have.
func shortened(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "..."
	}
	return text
}

func validID(id int) bool { return id > 0 && id <= math.MaxInt32 }
