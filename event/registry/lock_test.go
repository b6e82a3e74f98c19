package registry

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func lockOf(t testing.TB, entries ...LockedSchema) *Lock {
	t.Helper()
	lock := new(Lock)
	for _, e := range entries {
		require.NoError(t, lock.Set(e))
	}
	return lock
}

func TestLock_IsAlwaysWrittenTheSame(t *testing.T) {
	const file = `{
  "version": 1,
  "schemas": [
    {
      "subject": "a<b>-value",
      "fingerprint": "f2",
      "id": 9
    },
    {
      "subject": "plays-value",
      "fingerprint": "f1",
      "id": 7
    },
    {
      "subject": "plays-value",
      "fingerprint": "f2",
      "id": 2147483647
    }
  ]
}
`
	entries := []LockedSchema{{"plays-value", "f2", 1<<31 - 1}, {"plays-value", "f1", 7},
		{"a<b>-value", "f2", 9}}
	require.Equal(t, file, string(lockOf(t, entries...).Bytes()))
	require.Equal(t, file, string(lockOf(t, entries[2], entries[0], entries[1]).Bytes()))
	read, err := ReadLock([]byte(file))
	require.NoError(t, err)
	require.Equal(t, file, string(read.Bytes()))
	id, others := read.ID("plays-value", "f1")
	require.Equal(t, 7, id)
	require.False(t, others)
	id, others = read.ID("plays-value", "f3")
	require.Zero(t, id)
	require.True(t, others)
	_, others = read.ID("plays", "f1")
	require.False(t, others)
	require.Equal(t, "{\n  \"version\": 1,\n  \"schemas\": []\n}\n", string(new(Lock).Bytes()))
}

func TestReadLock_SaysWhereAndWhatToWrite(t *testing.T) {
	for _, c := range []struct{ content, says string }{
		{"", "line 1: not a lock file: unexpected EOF: write it anew with forebay schema lock"},
		{"{\n\"version\": 1,\n", "line 3: not a lock file: unexpected EOF"},
		{"null", "line 1: found <nil>: write {"},
		{"<html>", "line 1: not a lock file: invalid character '<'"},
		{"{}", `line 1: "version": not set: write the file anew`},
		{"{\"version\": 1,\n \"schemas\": [\n {\"subject\": \"a\", \"fingerprint\": \"f\"}]}",
			`line 3: subject "a": id: 0: write the ID that the registry has given`},
		{"{\"version\": 1,\n \"schemas\": [\n {\"subject\": \"a\", \"fingerprint\": \"f\", " +
			"\"id\": 2147483648}]}", `line 3: subject "a": id: 2147483648: write`},
		{"{\"version\": 1,\n\"schemas\": [\n{\"fingerprint\": \"f\", \"id\": 1}]}",
			`line 3: subject: empty: write the subject`},
		{"{\"version\": 1,\n\"schemas\": [\n{\"subject\": \"a\", \"id\": 1}]}",
			`line 3: subject "a": fingerprint: empty`},
		{"{\"version\": 1,\n\"schemas\": [{\"subject\": \"a\", \"fingerprint\": \"f\", \"id\": 1},\n" +
			"{\"subject\": \"a\", \"fingerprint\": \"f\", \"id\": 2}]}",
			`line 3: subject "a": this schema is there twice, with the IDs 1 and 2: remove one`},
		{"{\"version\": 1,\n\"schemas\": [{\"subject\": \"a\",\n\"ids\": 1}]}",
			`line 3: subject "a": "ids": unknown: write "subject", "fingerprint" and "id"`},
		// Both sides of a merge.
		{"{\"version\": 1,\n\"schemas\": [{\"subject\": \"a\",\n\"fingerprint\": \"f\",\n\"id\": 1,\n" +
			"\"id\": 2}]}", `line 5: subject "a": "id": is there twice: remove one`},
		{"{\"version\": 1,\n\"schemas\": [{\"subject\": \"a\",\n\"fingerprint\": \"f\",\n" +
			"\"fingerprint\": \"g\", \"id\": 2}]}",
			`line 4: subject "a": "fingerprint": is there twice: remove one`},
		{"{\"version\": 1,\n\"schemas\": [\n{\"subject\": \"a\", \"Subject\": \"b\"}]}",
			`line 3: subject "a": "Subject": unknown`},
		{"{\"version\": 1,\n\"schemas\": [{\"subject\": \"a\",\n<<<<<<< HEAD\n\"id\": 1,\n",
			`line 3: subject "a": not a lock file: invalid character '<'`},
		{"{\"version\": 1,\n\"schemas\": [\n[]]}", "line 3: found [: write {"},
		{"\ufeff{\"version\": 1}", "line 1: not a lock file: invalid character 'ï'"},
		{"{\"version\": 1,\n\"schemas\": [\n{\"id\": \"7\"}]}", "line 3: not a lock file: json: cannot"},
		{"{\"version\": 2}", `line 1: "version": 2: this program reads version 1`},
		{"{\"version\": 1,\n\"version\": 1}", `line 2: "version": is there twice: remove one`},
		{"{\"version\": 1,\n\"schema\": []}", `line 2: "schema": unknown: write "version" and "schemas"`},
		{"{\"version\": 1,\n\"schemas\": [}", "line 2: not a lock file: invalid character '}'"},
		{"{\"version\": 1, \"schemas\": []}\n{}", "line 2: more text after the end: remove it"},
		{"{\"version\": 1,\n<<<<<<< HEAD\n", "line 2: not a lock file: invalid character '<'"},
	} {
		_, err := ReadLock([]byte(c.content))
		require.ErrorContains(t, err, c.says, "%s", c.content)
	}
}

// What can be read is written and read back as the same, and has only IDs that are valid.
func FuzzReadLock(f *testing.F) {
	f.Add([]byte(`{"version": 1, "schemas": [{"subject": "a", "fingerprint": "f", "id": 1}]}`))
	f.Add(lockOf(f, LockedSchema{"a", "f", 1}, LockedSchema{"b", "g", 2}).Bytes())
	f.Add([]byte(`{"version": 1, "registry": "http://a", "schemas": null}`))
	f.Add([]byte("{\"version\": 1,\n\"schemas\": [[]]}"))
	f.Fuzz(func(t *testing.T, content []byte) {
		lock, err := ReadLock(content)
		if err != nil {
			require.Regexp(t, `^line [1-9]\d*: `, err.Error())
			return
		}
		again, err := ReadLock(lock.Bytes())
		require.NoError(t, err)
		require.True(t, bytes.Equal(lock.Bytes(), again.Bytes()))
		for _, e := range lock.Schemas() {
			require.True(t, validID(e.ID) && e.Subject != "" && e.Fingerprint != "")
		}
	})
}
