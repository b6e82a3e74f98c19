package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sr"
)

// verify compares an ID of the lock file or of the cache with the registry, and reports whether
// that is done. Records do not wait for it. What the registry answers decides:
//
//   - The schema has this ID, or the ID stands for this schema: all is well.
//   - The schema has another ID, and this one does not stand for it: readers of this registry
//     would decode with another schema, or not at all. The registry's ID is used from now on.
//   - The schema is not registered, and the ID stands for another one: records wait again.
//   - Neither the schema nor the ID is registered: the ID stays in use, because the registry may
//     have lost its content, and the lock file was written when it was there.
func (r *Registry) verify(ctx context.Context, e *entry, known *state) bool {
	// what is deleted is still decoded
	id, err := r.lookUp(ctx, e.key.subject, e.schema, sr.ShowDeleted)
	if err == nil && id == known.id {
		return true
	}
	if err != nil && !errors.Is(err, ErrNotRegistered) {
		return false
	}
	same, unknown := r.standsFor(ctx, known.id, e.schema)
	switch {
	case unknown == nil && same:
		return true
	case unknown != nil && !errors.Is(unknown, ErrNotRegistered):
		return false
	case err == nil:
		r.counts.contradictions.Add(1)
		e.settle(id, LookedUp)
		r.say.replaced(e, known)
		r.keep(e.key, id)
		return true
	case unknown == nil:
		r.counts.contradictions.Add(1)
		e.withdraw(fmt.Sprintf("the registry at %s has another schema under the ID %d that the "+
			"%v has for subject %q, and does not know this one: run forebay schema register and "+
			"forebay schema lock", r.address(), known.id, known.source, e.key.subject))
		r.say.withdrawn(e, known, r.address())
		r.forget(e.key)
		return false
	default:
		r.say.unconfirmed(e, known, r.address())
		return false
	}
}

// sameSchema reports whether two schemas have the same fingerprint. Metadata and rules, which a
// registry may add by itself, do not count: readers decode by the text.
func sameSchema(a, b sr.Schema) bool {
	a.SchemaMetadata, a.SchemaRuleSet = nil, nil
	b.SchemaMetadata, b.SchemaRuleSet = nil, nil
	x, err := Fingerprint(a)
	if err != nil {
		return false
	}
	y, err := Fingerprint(b)
	return err == nil && x == y
}

// address returns that of the registry that answered last.
func (r *Registry) address() string { return r.cfg.URLs[r.good.Load()] }
