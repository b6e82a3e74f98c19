package main

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/forebay-go/forebay/event/registry"
)

const (
	avroA  = `{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}`
	protoA = "syntax = \"proto3\";\nimport \"common.proto\";\nmessage A {}\n"
)

// folder writes files and returns where they are.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// schemaCommand runs forebay schema and returns what it prints.
func schemaCommand(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	require.Equal(t, code, run(t.Context(), append([]string{"schema"}, args...), nil, &out, &out),
		out.String())
	return out.String()
}

func newSchemaRegistry(t *testing.T, opts ...srfake.Option) *srfake.Registry {
	t.Helper()
	fake := srfake.New(opts...)
	t.Cleanup(fake.Close)
	return fake
}

func TestSchema_RegistersChecksAndLocksThoseOfAFile(t *testing.T) {
	fake := newSchemaRegistry(t)
	fake.SeedSchema("common", 3, 40, sr.Schema{Schema: "syntax = \"proto3\";", Type: sr.TypeProtobuf})
	dir := folder(t, map[string]string{"a.avsc": avroA, "b.proto": protoA, "list.yaml": `
schemas:
  - {subject: users-value, file: b.proto, references: [{name: common.proto, subject: common, version: 3}]}
  - {subject: plays-value, file: a.avsc}
`})
	list, lock := filepath.Join(dir, "list.yaml"), filepath.Join(dir, "schemas.lock")
	named := []string{"--registry", fake.URL(), "--schemas", list}
	locked := append([]string{"lock", "--lock", lock}, named...)

	out := schemaCommand(t, 1, locked...)
	require.Regexp(t, `(?m)^wrong  plays-value  \S+/a.avsc +the registry at \S+ does not know this `+
		`schema: run forebay schema register$`, out)
	require.NoFileExists(t, lock)
	require.Regexp(t, `(?m)^ok +plays-value +\S+/a.avsc +compatible$`,
		schemaCommand(t, 0, append([]string{"check"}, named...)...))
	require.False(t, fake.SubjectExists("plays-value"), "check and lock register nothing")

	out = schemaCommand(t, 0, append([]string{"register"}, named...)...)
	require.Regexp(t, `(?m)^ok +users-value +\S+/b.proto +registered with the ID 41$`, out)
	require.Regexp(t, `(?m)^ok +plays-value +\S+/a.avsc +registered with the ID 42$`, out)
	require.Regexp(t, `(?m)^ok +plays-value +\S+/a.avsc +has the ID 42$`,
		schemaCommand(t, 0, append([]string{"register"}, named...)...))
	there, ok := fake.GetSchema("users-value", 1)
	require.True(t, ok)
	require.Equal(t, []sr.SchemaReference{{Name: "common.proto", Subject: "common", Version: 3}},
		there.References)

	require.Contains(t, schemaCommand(t, 1, append(locked, "--check")...),
		"is out of date: run forebay schema lock")
	require.NoFileExists(t, lock)
	require.Contains(t, schemaCommand(t, 0, locked...), lock+" written")
	first, err := os.ReadFile(lock)
	require.NoError(t, err)
	read, err := registry.ReadLock(first)
	require.NoError(t, err)
	require.Len(t, read.Schemas(), 2)
	require.Equal(t, "plays-value", read.Schemas()[0].Subject)
	require.Equal(t, 42, read.Schemas()[0].ID)
	require.Contains(t, schemaCommand(t, 0, locked...), lock+" is up to date")
	require.Contains(t, schemaCommand(t, 0, append(locked, "--check")...), lock+" is up to date")
	second, err := os.ReadFile(lock)
	require.NoError(t, err)
	require.Equal(t, first, second)

	// With line ends of Windows, as git may write them.
	require.NoError(t, os.WriteFile(lock, bytes.ReplaceAll(first, []byte("\n"), []byte("\r\n")), 0o600))
	require.Contains(t, schemaCommand(t, 0, append(locked, "--check")...), "is up to date")
}

func TestSchema_LockCheckSaysWhatHasChanged(t *testing.T) {
	fake := newSchemaRegistry(t)
	fake.SeedSchema("plays-value", 1, 5, sr.Schema{Schema: avroA})
	dir := folder(t, map[string]string{"a.avsc": avroA,
		"list.yaml": "schemas: [{subject: plays-value, file: a.avsc}]\n"})
	list, path := filepath.Join(dir, "list.yaml"), filepath.Join(dir, "schemas.lock")
	fingerprint, err := registry.Fingerprint(sr.Schema{Schema: avroA})
	require.NoError(t, err)
	write := func(entries ...registry.LockedSchema) {
		lock := new(registry.Lock)
		for _, e := range entries {
			require.NoError(t, lock.Set(e))
		}
		require.NoError(t, os.WriteFile(path, lock.Bytes(), 0o600))
	}
	offline := []string{"lock", "--check", "--lock", path, "--schemas", list}
	online := append(offline, "--registry", fake.URL())

	right := registry.LockedSchema{Subject: "plays-value", Fingerprint: fingerprint, ID: 5}
	write(right)
	schemaCommand(t, 0, offline...)
	schemaCommand(t, 0, online...)

	write(registry.LockedSchema{Subject: "plays-value", Fingerprint: fingerprint, ID: 4})
	schemaCommand(t, 0, offline...) // nobody to ask
	require.Contains(t, schemaCommand(t, 1, online...),
		"wrong  plays-value  has the ID 4 in "+path+", and 5 in the registry")

	write(registry.LockedSchema{Subject: "plays-value", Fingerprint: "other", ID: 4})
	require.Contains(t, schemaCommand(t, 1, offline...),
		"wrong  plays-value  "+path+" has another schema of this subject")
	require.Contains(t, schemaCommand(t, 1, online...), "this schema, ID 5, is not in "+path)

	write(right, registry.LockedSchema{Subject: "old-value", Fingerprint: "f", ID: 1})
	for _, args := range [][]string{offline, online} {
		require.Contains(t, schemaCommand(t, 1, args...),
			"wrong  old-value  "+path+" has a schema, ID 1, that is not listed")
	}

	require.NoError(t, os.Remove(path))
	require.Contains(t, schemaCommand(t, 1, offline...), "wrong  plays-value  is not in "+path)
	require.NoError(t, os.WriteFile(path, []byte("<<<<<<< HEAD\n"), 0o600))
	require.Contains(t, schemaCommand(t, exitUsage, online...), "--lock: "+path+": line 1: not a lock file")
}

func TestSchema_OneSchemaLeavesTheOthersInTheLock(t *testing.T) {
	fake := newSchemaRegistry(t)
	fake.SeedSchema("plays-value", 1, 5, sr.Schema{Schema: avroA})
	dir := folder(t, map[string]string{"a.txt": avroA})
	path := filepath.Join(dir, "schemas.lock")
	lock := new(registry.Lock)
	for _, e := range []registry.LockedSchema{{Subject: "other-value", Fingerprint: "f", ID: 1},
		{Subject: "plays-value", Fingerprint: "old", ID: 2}} {
		require.NoError(t, lock.Set(e))
	}
	require.NoError(t, os.WriteFile(path, lock.Bytes(), 0o600))
	schemaCommand(t, 0, "lock", "--lock", path, "--registry", fake.URL(), "--subject", "plays-value",
		"--type", "avro", filepath.Join(dir, "a.txt"))
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	lock, err = registry.ReadLock(content)
	require.NoError(t, err)
	require.Len(t, lock.Schemas(), 2)
	require.Equal(t, 1, lock.Schemas()[0].ID)
	require.Equal(t, 5, lock.Schemas()[1].ID)
}

func TestSchema_SaysWhatTheRegistryAnswers(t *testing.T) {
	dir := folder(t, map[string]string{"a.avsc": avroA})
	one := []string{"--subject", "plays-value", filepath.Join(dir, "a.avsc")}
	with := func(command, url string) []string {
		return append([]string{command, "--registry", url, "--timeout", "1s"}, one...)
	}
	away := srfake.New()
	url := away.URL()
	away.Close()
	for _, command := range []string{"register", "check", "lock"} {
		require.Regexp(t, `(?m)^wrong  plays-value .* cannot be reached: `,
			schemaCommand(t, 1, with(command, url)...))
	}

	fake := newSchemaRegistry(t)
	fake.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasPrefix(r.URL.Path, "/compatibility"):
			_, _ = w.Write([]byte(`{"is_compatible":false,"messages":["field y\n is new"]}`))
		case r.URL.Path == "/subjects/plays-value/versions":
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"error_code":409,"message":"incompatible: field y is new"}`))
		default:
			return false
		}
		return true
	})
	require.Regexp(t, `(?m)^wrong  plays-value .*a.avsc  field y is new$`,
		schemaCommand(t, 1, with("check", fake.URL())...))
	require.Contains(t, schemaCommand(t, 1, with("register", fake.URL())...),
		"does not take this schema (HTTP 409: incompatible: field y is new)")
}

func TestSchema_TakesAddressAndCredentialsFromTheEnvironment(t *testing.T) {
	fake := newSchemaRegistry(t, srfake.WithAuth("Basic bWU6c2VjcmV0"))
	dir := folder(t, map[string]string{"a.avsc": avroA})
	args := []string{"register", "--subject", "plays-value", filepath.Join(dir, "a.avsc")}
	before := environ
	defer func() { environ = before }()
	environ = func() []string { return []string{"SCHEMA_REGISTRY_URL=" + fake.URL()} }
	require.Contains(t, schemaCommand(t, 1, args...), "refuses the credentials (HTTP 401: Missing "+
		"Authorization header): set SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD, or ")
	environ = func() []string {
		return []string{"SCHEMA_REGISTRY_URL=" + fake.URL(), "SCHEMA_REGISTRY_USER=me",
			"SCHEMA_REGISTRY_PASSWORD=secret"}
	}
	require.Contains(t, schemaCommand(t, 0, args...), "registered with the ID 1")
	environ = func() []string {
		return []string{"SCHEMA_REGISTRY_URL=" + fake.URL(), "SCHEMA_REGISTRY_USER=me"}
	}
	require.Contains(t, schemaCommand(t, exitUsage, args...),
		"SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD: only one is set")
}

func TestSchema_TrustsTheAuthorityOfAFile(t *testing.T) {
	server := httptest.NewTLSServer(srfake.NewRegistry().Handler())
	defer server.Close()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	dir := folder(t, map[string]string{"a.avsc": avroA, "ca.pem": string(authority)})
	args := []string{"register", "--registry", server.URL, "--subject", "plays-value",
		filepath.Join(dir, "a.avsc")}
	require.Contains(t, schemaCommand(t, 1, args...), "cannot be reached: tls: ")
	schemaCommand(t, 0, append(args, "--ca-file", filepath.Join(dir, "ca.pem"))...)
	require.Contains(t, schemaCommand(t, exitUsage, append(args, "--ca-file", args[5])...),
		"has no certificate: name a PEM file")
}

func TestSchema_SaysWhatIsWrongWithTheCommandLine(t *testing.T) {
	dir := folder(t, map[string]string{"a.avsc": avroA, "b.avsc": "{", "c.txt": avroA,
		"two.yaml": "schemas: [{subject: a, file: a.avsc}]\n---\n" +
			"schemas: [{subject: b, file: a.avsc}]\n",
		"cut.yaml":   "schemas: [{subject: a, file: a.avsc}]\n---\n[\n",
		"empty.yaml": "schemas: []\n", "unknown.yaml": "schemas: [{subjects: a}]\n",
		"wrong.yaml": "schemas:\n- {file: a.avsc}\n- {subject: a}\n- {subject: a, file: none.avsc}\n" +
			"- {subject: a, file: b.avsc}\n- {subject: a, file: a.avsc}\n- {subject: a, file: a.avsc}\n" +
			"- {subject: a, file: c.txt}\n- {subject: a, file: c.txt, type: xml}\n" +
			"- {subject: b, file: a.avsc, references: [{name: x, subject: y}]}\n"})
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		args []string
		says []string
	}{
		{[]string{}, []string{`no command after "schema": name one`}},
		{[]string{"register"}, []string{"name one schema, such as --subject plays-value plays.avsc"}},
		{[]string{"register", in("a.avsc")}, []string{"name one schema"}},
		{[]string{"register", "--subject", "a", in("a.avsc")}, []string{"--registry: not set: write"}},
		{[]string{"check", "--subject", "a", in("a.avsc"), "--registry", "a:8081"},
			[]string{`--registry[0]: "a:8081" does not begin with http:// or https://`}},
		{[]string{"check", "--subject", "a", in("a.avsc"), "--registry", "http://me:secret@a"},
			[]string{"--registry[0]: has a user: set SCHEMA_REGISTRY_USER and SCHEMA_REGISTRY_PASSWORD"}},
		{[]string{"check", "--subject", "a", in("a.avsc"), "--registry", "http://a", "--timeout", "0"},
			[]string{"--timeout: 0s: write a positive time"}},
		{[]string{"lock", "--subject", "a", in("c.txt")}, []string{"type: not set, and the name"}},
		{[]string{"lock", "--subject", "a", "--reference", "x=y", in("a.avsc")},
			[]string{`--reference: "x=y": write name=subject:version`}},
		{[]string{"lock", "--schemas", in("wrong.yaml"), "--subject", "a"},
			[]string{"--subject: is for one schema, and --schemas names a file"}},
		{[]string{"lock", "--schemas", in("empty.yaml"), in("a.avsc")},
			[]string{"--schemas names the files: remove one of the two"}},
		{[]string{"lock", "--schemas", in("empty.yaml")}, []string{"names no schema: write schemas:"}},
		{[]string{"lock", "--schemas", in("two.yaml")},
			[]string{"two.yaml: a second YAML document begins after the first: keep only one"}},
		{[]string{"lock", "--schemas", in("cut.yaml")}, []string{"--schemas: ", "cut.yaml: "}},
		{[]string{"lock", "--schemas", in("unknown.yaml")}, []string{"line 1", "subjects"}},
		{[]string{"lock", "--schemas", in("none.yaml")}, []string{"--schemas: open "}},
		{[]string{"lock", "--schemas", in("wrong.yaml")}, []string{
			"schemas[0]: subject: not set: write one, such as plays-value",
			`schemas[1]: subject "a": file: not set: write the path of the schema`,
			`schemas[2]: subject "a": ` + in("none.avsc") + ": open ",
			`schemas[3]: subject "a": ` + in("b.avsc") + ": schema: not JSON",
			`schemas[5]: subject "a": this schema is there twice: remove one`,
			"schemas[6]: ", "type: not set", `schemas[7]: `, `type: "xml": write avro, protobuf or json`,
			`schemas[8]: subject "b": `, `reference 1 (name "x", subject "y", version 0): write`}},
	} {
		out := schemaCommand(t, exitUsage, c.args...)
		for _, says := range c.says {
			require.Contains(t, out, says)
		}
		require.NotContains(t, out, "secret")
	}
}
