package registry

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// cache keeps IDs in a file, in the format of a lock file.
type cache struct {
	path     string
	registry string // the addresses that its IDs come from

	mu sync.Mutex // held while the file is read or written: only look-ups wait for it
}

// addresses returns what the cache knows a registry by.
func addresses(urls []string) string { return strings.Join(urls, ",") }

// read returns the content of the file, empty if there is none, or if it is of another registry.
func (c *cache) read() (*Lock, error) {
	empty := &Lock{Registry: c.registry}
	content, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return empty, err
	}
	lock, err := ReadLock(content)
	if err != nil {
		return empty, err
	}
	if lock.Registry != c.registry {
		return empty, nil
	}
	return lock, nil
}

// change has the file changed. It is read anew, because other processes may use it. A file that is
// damaged is replaced.
func (c *cache) change(fn func(*Lock)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	lock, _ := c.read() // step has reported the error
	before := lock.Bytes()
	fn(lock)
	if after := lock.Bytes(); !bytes.Equal(before, after) {
		return replaceFile(c.path, after)
	}
	return nil
}

// replaceFile writes a file beside the one at path, and puts it in its place.
func replaceFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}

// cached returns the ID that the cache has, or 0.
func (r *Registry) cached(key lockKey) int {
	if r.cache == nil {
		return 0
	}
	r.cache.mu.Lock()
	lock, err := r.cache.read()
	r.cache.mu.Unlock()
	if err != nil {
		r.say.cacheUnread(r.cache.path, err)
	}
	id, _ := lock.ID(key.subject, key.fingerprint)
	return id
}

// keep writes an ID to the cache.
func (r *Registry) keep(key lockKey, id int) {
	r.changeCache(func(lock *Lock) {
		_ = lock.Set(LockedSchema{key.subject, key.fingerprint, id}) // both were checked
	})
}

// forget removes an ID from the cache.
func (r *Registry) forget(key lockKey) {
	r.changeCache(func(lock *Lock) { delete(lock.ids, key) })
}

func (r *Registry) changeCache(fn func(*Lock)) {
	if r.cache == nil {
		return
	}
	if err := r.cache.change(fn); err != nil {
		r.say.cacheUnwritten(r.cache.path, err)
	}
}
