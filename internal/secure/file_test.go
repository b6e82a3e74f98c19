package secure

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/internal/testca"
)

func TestFile_IsReadAgainWhenItChangesAndKeepsWhatItSaidWhileItCannotBeRead(t *testing.T) {
	core, logged := observer.New(zapcore.DebugLevel)
	dir := t.TempDir()
	path := filepath.Join(dir, "password")
	f := Word(zap.New(core), "clusters.a.sasl.password_file", path)

	_, err := f.Get()
	require.EqualError(t, err,
		"clusters.a.sasl.password_file: open "+path+": no such file or directory")
	require.True(t, Refused(err))
	testca.Write(t, dir, "password", []byte(" \n"))
	_, err = f.Get()
	require.EqualError(t, err, "clusters.a.sasl.password_file: "+path+": it is empty")

	says := func(want string) {
		t.Helper()
		got, err := f.Get()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	testca.Write(t, dir, "password", []byte("one\n"))
	says("one")
	info, err := os.Stat(path)
	require.NoError(t, err)
	testca.Write(t, dir, "password", []byte("two\n"))
	// within the grain of the clock
	require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	says("two")
	require.Empty(t, logged.All())

	require.NoError(t, os.Remove(path))
	says("two")
	says("two")
	require.NoError(t, os.WriteFile(path, make([]byte, maxFile+1), 0o600))
	says("two")
	require.Len(t, logged.TakeAll(), 1)
	testca.Write(t, dir, "password", []byte("three"))
	says("three")
	require.Len(t, logged.TakeAll(), 1)
}

// A certificate and its key are two files, which no rotation replaces at one instant.
func TestTLS_APairThatIsHalfReplacedIsTheOldOne(t *testing.T) {
	ca, dir := testca.New(t), t.TempDir()
	first, second := ca.Issue(t, "first", 1e12), ca.Issue(t, "second", 1e12)
	cert, key := testca.Write(t, dir, "cert", first.Cert), testca.Write(t, dir, "key", first.Key)
	source := TLS{CAFile: testca.Write(t, dir, "ca", ca.PEM()), CertFile: cert,
		KeyFile: key}.Source(zap.NewNop(), "tls")
	shown := func() string {
		t.Helper()
		cfg, err := source.Get(t.Context())
		require.NoError(t, err)
		require.NotNil(t, cfg.RootCAs)
		pair, err := cfg.GetClientCertificate(nil)
		require.NoError(t, err)
		return pair.Leaf.Subject.CommonName
	}
	require.Equal(t, "first", shown())
	testca.Write(t, dir, "cert", second.Cert)
	require.Equal(t, "first", shown())
	testca.Write(t, dir, "key", second.Key)
	require.Equal(t, "second", shown())
}

func TestTLS_SaysWhatIsWrongWithAFileAndNothingThatIsInIt(t *testing.T) {
	dir := t.TempDir()
	pair := testca.New(t).Issue(t, "cn", 1e12)
	other := testca.New(t).Issue(t, "cn", 1e12)
	cert, key := testca.Write(t, dir, "cert", pair.Cert), testca.Write(t, dir, "key", other.Key)
	text := testca.Write(t, dir, "text", []byte("hunter2"))
	for _, x := range []struct {
		tls  TLS
		says string
	}{
		{TLS{CAFile: text}, "tls.ca_file: " + text +
			": there is no certificate in it: it must be PEM"},
		{TLS{CertFile: cert, KeyFile: text}, "tls.cert_file: " + cert +
			": tls: failed to find any PEM data in key input"},
		{TLS{CertFile: cert, KeyFile: key}, "tls.cert_file: " + cert +
			": tls: private key does not match public key"},
	} {
		_, err := x.tls.Source(zap.NewNop(), "tls").Get(t.Context())
		require.EqualError(t, err, x.says)
	}
}
