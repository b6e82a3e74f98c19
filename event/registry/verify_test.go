package registry

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
)

const (
	replacedLine  = "schema has another ID in the registry: that one is used from now on"
	withdrawnLine = "ID stands for another schema in the registry: records wait"
	doubtLine     = "registry does not know a schema that has an ID: the ID stays in use"
	mismatchLine  = "schema differs from the one in the lock file: that ID is not used"
	recordB       = `{"type":"record","name":"B","fields":[{"name":"x","type":"int"}]}`
)

func TestVerify_WhatTheRegistrySaysOfAnIDOfTheLockFile(t *testing.T) {
	// The lock file has the ID 5 for recordA under the subject s.
	for name, c := range map[string]struct {
		seed           func(*fake)
		id             int // afterwards
		source         Source
		line           string
		contradictions uint64
	}{
		"the same": {func(f *fake) { f.SeedSchema("s", 1, 5, avro(recordA)) }, 5, Locked, "", 0},
		"another ID, and the first stands for another schema": {func(f *fake) {
			f.SeedSchema("t", 1, 5, avro(recordB))
			f.SeedSchema("s", 1, 7, avro(recordA))
		}, 7, LookedUp, replacedLine, 1},
		"another ID, and the first stands for nothing": {func(f *fake) {
			f.SeedSchema("s", 1, 7, avro(recordA))
		}, 7, LookedUp, replacedLine, 1},
		"another ID, and the first stands for this schema too": {func(f *fake) {
			f.SeedSchema("t", 1, 5, avro(recordA))
			f.SeedSchema("s", 1, 7, avro(recordA))
		}, 5, Locked, "", 0},
		"not under the subject, but the ID is right": {func(f *fake) {
			f.SeedSchema("t", 1, 5, avro(recordA))
		}, 5, Locked, "", 0},
		"not registered, and the ID stands for another schema": {func(f *fake) {
			f.SeedSchema("t", 1, 5, avro(recordB))
		}, 0, Unknown, withdrawnLine, 1},
		"nothing": {func(*fake) {}, 5, Locked, doubtLine, 0},
		"away":    {func(f *fake) { f.set(down) }, 5, Locked, "", 0},
		"HTML":    {func(f *fake) { f.set(answers(404, html, "none")) }, 5, Locked, "", 0},
		"nonsense about the ID": {func(f *fake) {
			f.set(func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodGet {
					return answers(200, html, "?")(req)
				}
				return answers(200, "application/json", `{"id":7}`)(req)
			})
		}, 5, Locked, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeRegistry()
				f.set(down)
				r, logs := join(t, f, Config{}, WithLock(lockBytes(t, "s", recordA, 5)))
				codec := codec(t, r, "s", recordA)
				id, source := codec.ID()
				require.Equal(t, 5, id)
				require.Equal(t, Locked, source)
				require.Nil(t, codec.Hold())
				synctest.Wait() // the first attempt has failed
				f.set(nil)
				c.seed(f)
				time.Sleep(20 * time.Minute)
				id, source = codec.ID()
				require.Equal(t, c.id, id)
				require.Equal(t, c.source, source)
				require.Equal(t, c.id == 0, codec.Hold() != nil)
				require.Equal(t, c.contradictions, r.Stats().Contradictions)
				for _, line := range []string{replacedLine, withdrawnLine, doubtLine} {
					want := 0
					if line == c.line {
						want = 1
					}
					require.Equal(t, want, lines(logs)[line], line)
				}
				require.Zero(t, lines(logs)[mismatchLine])
			})
		})
	}
}

func TestVerify_AWithdrawnIDIsReplacedWhenTheSchemaIsRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.SeedSchema("t", 1, 5, avro(recordB))
		r, _ := join(t, f, Config{}, WithLock(lockBytes(t, "s", recordA, 5)))
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		hold := c.Hold()
		require.NotNil(t, hold)
		require.Contains(t, hold.String(), "has another schema under the ID 5 that the lock file "+
			`has for subject "s"`)
		value, err := c.Append(nil, "a")
		require.NoError(t, err)
		require.Equal(t, "\x00\x00\x00\x00\x05a", string(value), "that of a Send that is under way")
		_, err = c.AppendKnown([]byte("k"), "a")
		require.ErrorIs(t, err, ErrUnknownID)
		time.Sleep(time.Minute)
		f.SeedSchema("s", 1, 8, avro(recordA))
		time.Sleep(defaultMaxPause)
		id, source := c.ID()
		require.Equal(t, 8, id)
		require.Equal(t, LookedUp, source)
	})
}

// After another failure, the Hold says again that the ID is wrong.
func TestVerify_WhyRecordsWaitIsWhatTheRegistrySaidLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.SeedSchema("t", 1, 5, avro(recordB))
		r, _ := join(t, f, Config{}, WithLock(lockBytes(t, "s", recordA, 5)))
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		hold := c.Hold()
		require.NotNil(t, hold)
		f.set(down)
		time.Sleep(2 * defaultMaxPause)
		require.Contains(t, hold.String(), "connection refused")
		f.set(nil)
		time.Sleep(2 * defaultMaxPause)
		require.Contains(t, hold.String(), "has another schema under the ID 5")
	})
}

// What the registry has called wrong is not believed because the cache file has it too.
func TestVerify_AWithdrawnIDIsNotTakenFromTheCache(t *testing.T) {
	// Its name is so long that no file beside it can be written, so the ID stays in it.
	path := filepath.Join(t.TempDir(), strings.Repeat("c", 255))
	entry := LockedSchema{"s", fingerprint(t, avro(recordA)), 5}
	lock := lockOf(t, entry)
	lock.Registry = "http://registry.test"
	require.NoError(t, os.WriteFile(path, lock.Bytes(), 0o600))
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.SeedSchema("t", 1, 5, avro(recordB))
		r, logs := join(t, f, Config{CacheFile: path}, WithLock(lockOf(t, entry).Bytes()))
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		hold := c.Hold()
		require.NotNil(t, hold)
		time.Sleep(time.Minute)
		require.Same(t, hold, c.Hold(), "records were let go with the wrong ID")
		require.Equal(t, 1, lines(logs)[withdrawnLine])
		require.EqualValues(t, 1, r.Stats().Contradictions)
	})
}

// Metadata and rules, which a registry may add by itself, do not make it another schema: readers
// decode by the text.
func TestVerify_MetadataOfTheRegistryIsNoContradiction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		there := avro(recordA)
		there.SchemaMetadata = &sr.SchemaMetadata{Properties: map[string]string{"owner": "plays"}}
		there.SchemaRuleSet = &sr.SchemaRuleSet{}
		f.SeedSchema("t", 1, 5, there)
		r, _ := join(t, f, Config{}, WithLock(lockBytes(t, "s", recordA, 5)))
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		require.Nil(t, c.Hold())
		require.Zero(t, r.Stats().Contradictions)
	})
}

func TestLock_AnEntryOfAnotherSchemaIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.set(down)
		r, logs := join(t, f, Config{}, WithLock(lockBytes(t, "s", recordB, 5)))
		c := codec(t, r, "s", recordA)
		codec(t, r, "s", recordA)
		require.NotNil(t, c.Hold())
		time.Sleep(time.Minute)
		require.Equal(t, 1, lines(logs)[mismatchLine])
		require.Equal(t, "s", said(t, logs, mismatchLine)["subject"])
		f.SeedSchema("s", 1, 7, avro(recordA))
		f.set(nil)
		time.Sleep(time.Minute)
		id, _ := c.ID()
		require.Equal(t, 7, id)
	})
}

func TestLock_IsEnoughWithoutARegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "schemas.lock")
	require.NoError(t, os.WriteFile(path, lockBytes(t, "s", recordA, 5), 0o600))
	r, err := New(Config{LockFile: path})
	require.NoError(t, err)
	c := codec(t, r, "s", recordA)
	require.Nil(t, c.Hold())
	id, source := c.ID()
	require.Equal(t, 5, id)
	require.Equal(t, Locked, source)
	require.Equal(t, Stats{Locked: 1}, r.Stats())
	_, err = NewCodec(r, "s", avro(recordB), plain{})
	require.EqualError(t, err, `registry.NewCodec: subject "s": no lock file has this schema, and `+
		"no registry is set: write the lock file with forebay schema lock, or set URLs")
	require.NoError(t, r.Close(t.Context()))
}
