package registry

import (
	"time"

	"go.uber.org/zap"
)

// says logs what has changed.
type says struct{ log *zap.Logger }

func newSays(log *zap.Logger) *says { return &says{log.WithOptions(zap.WrapCore(newQuiet))} }

// mismatch says that the lock file was written for another version of a schema.
func (s *says) mismatch(e *entry) {
	s.log.Error("schema differs from the one in the lock file: that ID is not used",
		zap.String("subject", e.key.subject), zap.String("fingerprint", e.key.fingerprint))
}

// repeatAfter is how long a kind of failure is not logged again for a subject.
const repeatAfter = time.Minute

// waiting says why records wait, when that is new.
func (s *says) waiting(sub *subject, k kind, why string) {
	now := time.Now()
	at, before := sub.said[k]
	if before && (sub.last == k || now.Sub(at) < repeatAfter) {
		return
	}
	sub.said[k], sub.last = now, k
	s.log.Warn("schema has no ID yet: its records wait",
		zap.String("subject", sub.name), zap.String("reason", why))
}

// found says that the records of a schema no longer wait.
func (s *says) found(e *entry) {
	is := e.state.Load()
	s.log.Info("schema has an ID", zap.String("subject", e.key.subject), zap.Int("id", is.id),
		zap.String("source", is.source.String()))
}

// replaced says that an ID was wrong.
func (s *says) replaced(e *entry, was *state) {
	s.log.Error("schema has another ID in the registry: that one is used from now on",
		zap.String("subject", e.key.subject), zap.Int("id", e.state.Load().id),
		zap.Int("was", was.id), zap.String("source", was.source.String()))
}

// withdrawn says that an ID was wrong, and that no other is known.
func (s *says) withdrawn(e *entry, was *state, address string) {
	s.log.Error("ID stands for another schema in the registry: records wait",
		zap.String("subject", e.key.subject), zap.Int("id", was.id),
		zap.String("source", was.source.String()), zap.String("registry", address))
}

// unconfirmed says, once, that the registry does not know what the lock file or the cache has.
func (s *says) unconfirmed(e *entry, known *state, address string) {
	if e.doubted {
		return
	}
	e.doubted = true
	s.log.Warn("registry does not know a schema that has an ID: the ID stays in use",
		zap.String("subject", e.key.subject), zap.Int("id", known.id),
		zap.String("source", known.source.String()), zap.String("registry", address))
}

// cacheUnread says that the cache file is not used.
func (s *says) cacheUnread(file string, err error) {
	s.log.Warn("schema cache cannot be read: it is ignored", zap.String("file", file),
		zap.Error(err))
}

// cacheUnwritten says that the next start has to look up again.
func (s *says) cacheUnwritten(file string, err error) {
	s.log.Warn("schema cache cannot be written", zap.String("file", file), zap.Error(err))
}

// panicked says that code of the application has panicked in a look-up.
func (s *says) panicked(subject string, p any, stack []byte) {
	s.log.Error("a look-up of a schema panicked", zap.String("subject", subject),
		zap.Any("panic", p), zap.ByteString("stack", stack))
}
