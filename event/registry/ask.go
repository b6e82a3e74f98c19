package registry

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/sr"
)

// ask has the clients do something in turn, from the one that answered last, until one has a
// definite answer. Its errors are *failure, or that of ctx.
func (r *Registry) ask(ctx context.Context, do func(context.Context, *sr.Client) error) error {
	first := int(r.good.Load())
	var last *failure
	for i := range r.clients {
		at := (first + i) % len(r.clients)
		err := r.askOne(ctx, at, do)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || err.definite() {
			r.good.Store(int64(at))
		}
		if err == nil {
			return nil
		}
		last = err
		if err.definite() {
			break
		}
	}
	return last
}

func (r *Registry) askOne(ctx context.Context, at int,
	do func(context.Context, *sr.Client) error) *failure {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	r.counts.lookUps.Add(1)
	f := newFailure(r.cfg.URLs[at], r.cfg.Timeout, do(ctx, r.clients[at]))
	switch {
	case f == nil:
	case f.kind == unregistered:
		r.counts.unregistered.Add(1)
	default:
		r.counts.failures.Add(1)
	}
	return f
}

// askID is ask for an ID, which is zero if there is an error.
func (r *Registry) askID(ctx context.Context,
	do func(context.Context, *sr.Client) (int, error)) (id int, err error) {
	err = r.ask(ctx, func(ctx context.Context, c *sr.Client) (err error) {
		id, err = do(ctx, c)
		if err == nil && !validID(id) {
			err = errNoID
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

// lookUp asks for the ID of a schema under its subject. It registers nothing. Registries compare
// the text, some to the letter; so the question is asked again for the normalized schema.
func (r *Registry) lookUp(ctx context.Context, subject string, schema sr.Schema,
	params ...sr.Param) (id int, err error) {
	for _, more := range [][]sr.Param{nil, {sr.Normalize}} {
		id, err = r.askID(sr.WithParams(ctx, append(more, params...)...),
			func(ctx context.Context, c *sr.Client) (int, error) {
				found, err := c.LookupSchema(ctx, subject, schema)
				return found.ID, err
			})
		if !errors.Is(err, ErrNotRegistered) {
			break
		}
	}
	return id, err
}

// standsFor reports whether an ID stands for the schema in the registry.
func (r *Registry) standsFor(ctx context.Context, id int, schema sr.Schema) (bool, error) {
	var there sr.Schema
	err := r.ask(ctx, func(ctx context.Context, c *sr.Client) (err error) {
		there, err = c.SchemaByID(ctx, id)
		return err
	})
	if err != nil {
		return false, err
	}
	return sameSchema(there, schema), nil
}
