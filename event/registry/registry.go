package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/sr"
	"go.uber.org/zap"
)

// ErrClosed reports that the registry was closed.
var ErrClosed = errors.New("registry closed")

// Registry knows the IDs of schemas, and looks up those that it does not know. Make one with [New]
// for each schema registry, share it among all codecs, and close it after the producer. It is safe
// for concurrent use.
type Registry struct {
	cfg     Config
	lock    *Lock // fixed by New
	say     *says
	cache   *cache // nil: there is none
	clients []*sr.Client
	good    atomic.Int64 // index of the client that answered last
	counts  counts

	ctx     context.Context // ends when Close begins; it bounds the look-ups
	cancel  context.CancelFunc
	hangUp  func()         // closes idle connections
	workers sync.WaitGroup // one for each subject that is looked up; Add under mu

	mu       sync.Mutex // guards what follows; never held across I/O or logging
	closed   bool
	entries  map[lockKey]*entry
	subjects map[string]*subject
}

// New returns a registry. It reads the lock file, if there is one, and does no other I/O: whether
// the registry can be reached does not matter. The error has every mistake in the settings and in
// the lock file. New starts no goroutine.
func New(cfg Config, opts ...Option) (*Registry, error) {
	o := options{log: zap.NewNop()}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	cfg.URLs = append([]string(nil), cfg.URLs...)
	wrong := cfg.complete()
	lock, unread := o.readLock(cfg.LockFile)
	client, hangUp, mixed := o.httpClient()
	if err := errors.Join(wrong, unread, mixed); err != nil {
		return nil, err
	}
	r := &Registry{cfg: cfg, lock: lock, say: newSays(o.log), hangUp: hangUp,
		entries: make(map[lockKey]*entry), subjects: make(map[string]*subject)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	for _, address := range cfg.URLs {
		c, err := sr.NewClient(sr.URLs(address), sr.HTTPClient(client), sr.UserAgent("forebay"),
			r.credentials())
		if err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
		r.clients = append(r.clients, c)
	}
	if cfg.CacheFile != "" {
		r.cache = &cache{path: cfg.CacheFile, registry: addresses(cfg.URLs)}
	}
	return r, nil
}

// credentials returns what the requests carry.
func (r *Registry) credentials() sr.ClientOpt {
	if r.cfg.User != "" {
		return sr.BasicAuth(r.cfg.User, string(r.cfg.Password))
	}
	return sr.BearerToken(string(r.cfg.Token)) // an empty one is not sent
}

// entry returns what is known of a schema under a subject, and has it looked up or verified.
func (r *Registry) entry(name string, schema sr.Schema) (*entry, error) {
	fingerprint, err := Fingerprint(schema)
	if err != nil {
		return nil, fmt.Errorf("subject %q: %w", name, err)
	}
	id, others := r.lock.ID(name, fingerprint)
	if id == 0 && len(r.clients) == 0 {
		return nil, fmt.Errorf("subject %q: no lock file has this schema, and no registry is set: "+
			"write the lock file with forebay schema lock, or set URLs", name)
	}
	key := lockKey{name, fingerprint}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	e, known := r.entries[key]
	if !known {
		e = newEntry(key, schema, id)
		e.mismatch = others
		r.entries[key] = e
		r.lookUpLocked(e)
	}
	return e, nil
}

// Close ends the look-ups and waits for them until ctx ends; the error is then that of ctx. Close
// the producer first: records that still wait for an ID get none any more, and expire. IDs that are
// known stay in use. Close twice is harmless.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	done := make(chan struct{})
	go func() { // ends with the workers
		r.workers.Wait()
		close(done)
	}()
	defer r.hangUp()
	select {
	case <-done:
		r.explainClosed()
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the registry: a look-up has not ended: %w", ctx.Err())
	}
}

// explainClosed says of what still waits that it waits in vain.
func (r *Registry) explainClosed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		e.explain("the registry was closed before the ID of the schema was known")
	}
}
