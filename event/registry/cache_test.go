package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCache_HasTheIDAtTheNextStart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids")
	cfg := Config{CacheFile: path}
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.SeedSchema("s", 1, 7, avro(recordA))
		r, logs := join(t, f, cfg)
		codec(t, r, "s", recordA)
		synctest.Wait()
		require.Equal(t, map[string]int{foundLine: 1}, lines(logs))
	})
	synctest.Test(t, func(t *testing.T) { // the registry is away
		f := newFakeRegistry()
		f.set(down)
		r, logs := join(t, f, cfg)
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		id, source := c.ID()
		require.Equal(t, 7, id)
		require.Equal(t, Cached, source)
		require.Equal(t, "cache file", said(t, logs, foundLine)["source"])
		time.Sleep(time.Minute)
		require.Equal(t, 1, r.Stats().Cached)
		require.Equal(t, map[string]int{foundLine: 1}, lines(logs))
	})
	synctest.Test(t, func(t *testing.T) { // it has forgotten all, and given the ID to another schema
		f := newFakeRegistry()
		f.SeedSchema("t", 1, 7, avro(recordB))
		r, logs := join(t, f, cfg)
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		require.NotNil(t, c.Hold())
		require.Equal(t, "cache file", said(t, logs, withdrawnLine)["source"])
	})
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	lock, err := ReadLock(content)
	require.NoError(t, err)
	require.Empty(t, lock.Schemas(), "a wrong ID is not kept")
	synctest.Test(t, func(t *testing.T) { // a cache of another registry
		f := newFakeRegistry()
		f.SeedSchema("s", 1, 9, avro(recordA))
		r, _ := join(t, f, cfg)
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		require.Nil(t, c.Hold())
		other := newFakeRegistry()
		other.set(down)
		r, logs := join(t, other, Config{CacheFile: path, URLs: []string{"http://other.test"}})
		c = codec(t, r, "s", recordA)
		synctest.Wait()
		require.NotNil(t, c.Hold())
		require.Equal(t, map[string]int{waitLine: 1}, lines(logs))
	})
}

func TestCache_OneThatIsDamagedIsIgnoredAndReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids")
	require.NoError(t, os.WriteFile(path, []byte(`{"version": 1, "sch`), 0o600))
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.SeedSchema("s", 1, 7, avro(recordA))
		r, logs := join(t, f, Config{CacheFile: path})
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		require.Nil(t, c.Hold())
		const line = "schema cache cannot be read: it is ignored"
		require.Equal(t, map[string]int{line: 1, foundLine: 1}, lines(logs))
		require.Equal(t, path, said(t, logs, line)["file"])
	})
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	lock, err := ReadLock(content)
	require.NoError(t, err)
	require.Len(t, lock.Schemas(), 1)
	require.Equal(t, "http://registry.test", lock.Registry)
}

func TestCache_OneThatCannotBeWrittenIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "ids")
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.SeedSchema("s", 1, 7, avro(recordA))
		r, logs := join(t, f, Config{CacheFile: path})
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		require.Nil(t, c.Hold())
		require.Equal(t, path, said(t, logs, "schema cache cannot be written")["file"])
	})
}

func TestCache_ManyUseOneFileAndReadersFindItWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ids")
	var writers, reader sync.WaitGroup
	stop := make(chan struct{})
	reader.Go(func() {
		c := &cache{path: path, registry: "a"}
		for {
			select {
			case <-stop:
				return
			default:
			}
			_, err := c.read()
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for i := range 4 {
		writers.Go(func() {
			c := &cache{path: path, registry: "a"} // as another process would have
			for j := range 25 {
				err := c.change(func(l *Lock) { _ = l.Set(LockedSchema{fmt.Sprint(i), "f", j + 1}) })
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	reader.Wait()
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "no temporary file stays")
}
