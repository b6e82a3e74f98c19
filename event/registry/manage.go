package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sr"
)

// The errors of what asks the registry while the caller waits. Other errors say why there was no
// answer.
var (
	// ErrNotRegistered reports that the registry does not know a schema under a subject.
	ErrNotRegistered = errors.New("schema not registered")

	// ErrRejected reports that the registry does not take a schema: it is not compatible with
	// earlier ones, or not valid.
	ErrRejected = errors.New("schema rejected")

	errNoRegistry = errors.New("no registry is set: set Config.URLs")
)

// LookUp asks the registry, once and now, for the ID of a schema under a subject. It registers
// nothing, and uses neither lock file nor cache. The error wraps ErrNotRegistered if the registry
// does not know the schema there. Tools want this; codecs look up by themselves.
func (r *Registry) LookUp(ctx context.Context, subject string, schema sr.Schema) (int, error) {
	if err := r.checkQuestion(subject, schema); err != nil {
		return 0, err
	}
	return r.lookUp(ctx, subject, schema)
}

// Register registers a schema under a subject, and returns its ID. A schema that is registered
// keeps its ID. The error wraps ErrRejected if the registry does not take the schema. Programs that
// send events should not call Register: a CI job does, or "forebay schema register".
func (r *Registry) Register(ctx context.Context, subject string, schema sr.Schema) (int, error) {
	if err := r.checkQuestion(subject, schema); err != nil {
		return 0, err
	}
	return r.askID(ctx, func(ctx context.Context, c *sr.Client) (int, error) {
		return c.RegisterSchema(ctx, subject, schema, -1, -1)
	})
}

// Incompatible returns why the registry would not take a schema under a subject, nothing if it
// would. Some registries give no reasons beyond the fact. A subject that does not exist takes every
// schema. The error wraps ErrRejected if the schema itself is not valid.
func (r *Registry) Incompatible(ctx context.Context, subject string, schema sr.Schema) ([]string,
	error) {
	if err := r.checkQuestion(subject, schema); err != nil {
		return nil, err
	}
	const all = -2 // against those that the level of the subject says
	var result sr.CheckCompatibilityResult
	err := r.ask(sr.WithParams(ctx, sr.Verbose),
		func(ctx context.Context, c *sr.Client) (err error) {
			result, err = c.CheckCompatibility(ctx, subject, all, schema)
			return err
		})
	switch {
	case errors.Is(err, ErrNotRegistered):
		return nil, nil
	case err != nil:
		return nil, err
	case result.Is:
		return nil, nil
	case len(result.Messages) == 0:
		return []string{"not compatible with an earlier version; the registry gives no reason"}, nil
	}
	return result.Messages, nil
}

// checkQuestion checks what the registry is to be asked.
func (r *Registry) checkQuestion(subject string, schema sr.Schema) error {
	if len(r.clients) == 0 {
		return errNoRegistry
	}
	if subject == "" {
		return errors.New("no subject: write one such as plays-value")
	}
	if _, err := Fingerprint(schema); err != nil {
		return fmt.Errorf("subject %q: %w", subject, err)
	}
	return nil
}
