package registry

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestNew_SaysEverythingThatIsWrong(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "schemas.lock")
	require.NoError(t, os.WriteFile(damaged, []byte("{\n"), 0o600))
	for _, c := range []struct {
		cfg  Config
		opts []Option
		says []string
	}{
		{Config{URLs: []string{"registry:8081", "http://", "http://me:secret@a", "http://a?b=c",
			"http://a#b", "ftp://a", "http://a b"}}, nil, []string{
			`registry: URLs[0]: "registry:8081" does not begin with http:// or https://: write`,
			`registry: URLs[1]: "http://" has no host: write one such as https://registry:8081`,
			"registry: URLs[2]: has a user: set User and Password instead",
			"registry: URLs[3]: has a query or a fragment: write",
			"registry: URLs[4]: has a query or a fragment: write",
			"registry: URLs[5]: ", "registry: URLs[6]: not an address: write"}},
		{Config{URLs: []string{"me:secret@a:8081", "http:///me:secret@a", "//me:secret@a"}}, nil,
			[]string{
				"registry: URLs[0]: does not begin with http:// or https://: write",
				"registry: URLs[1]: has no host: write", "registry: URLs[2]: has a user: set"}},
		{Config{URLs: []string{"http://a"}, User: "me", Token: "secret"}, nil, []string{
			"registry: User and Password: only one is set: set both, or neither"}},
		{Config{URLs: []string{"http://a"}, User: "me", Password: "secret", Token: "secret"}, nil,
			[]string{"registry: Token: set together with User: remove one of them"}},
		{Config{CacheFile: "ids", Timeout: -1, MaxPause: time.Millisecond}, nil, []string{
			"registry: URLs: not set, though User, Token or CacheFile is: write the address",
			"registry: Timeout: -1ns: write a positive time, or 0 for 5s",
			"registry: MaxPause: 1ms: write a time from 10ms to 1h0m0s, or 0 for 30s"}},
		{Config{MaxPause: -1}, nil, []string{"registry: MaxPause: -1ns"}},
		{Config{LockFile: damaged}, nil, []string{"registry: LockFile: " + damaged + ": line 2: not"}},
		{Config{LockFile: damaged + ".none"}, nil, []string{"registry: LockFile: open ",
			"write the file with forebay schema lock"}},
		{Config{LockFile: damaged}, []Option{WithLock([]byte("{}"))},
			[]string{"registry: LockFile: set together with WithLock: remove one of them"}},
		{Config{}, []Option{WithLock([]byte{})}, []string{"registry: WithLock: line 1: not a lock file"}},
		{Config{}, []Option{WithHTTPClient(http.DefaultClient), WithTLS(new(tls.Config))},
			[]string{"registry: WithHTTPClient: given together with WithTLS or WithDialer"}},
	} {
		_, err := New(c.cfg, c.opts...)
		for _, says := range c.says {
			require.ErrorContains(t, err, says)
		}
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestNew_ZeroConfigAndNilOptionsAreFine(t *testing.T) {
	r, err := New(Config{}, nil, WithLogger(nil), WithSlog(nil), WithHTTPClient(nil), WithTLS(nil),
		WithDialer(nil), WithLock(nil))
	require.NoError(t, err)
	require.Zero(t, r.Stats())
	require.NoError(t, r.Close(context.Background()))
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.Close(ended)
}

func TestConfig_ShowsNoSecret(t *testing.T) {
	cfg := Config{URLs: []string{"http://a"}, User: "me", Password: "hidden", Token: "hidden"}
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg), "hidden")
}

func TestWithDialer_IsUsedForLookUps(t *testing.T) {
	f := newServedRegistry(t, "")
	f.SeedSchema("s", 1, 7, avro(recordA))
	r, err := New(Config{URLs: []string{"http://nowhere.test:81"}}, WithDialer(
		func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != "nowhere.test:81" {
				return nil, errDown
			}
			return new(net.Dialer).DialContext(ctx, network, f.URL()[len("http://"):])
		}))
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close(context.Background())) }()
	c := codec(t, r, "s", recordA)
	require.Eventually(t, func() bool { return c.Hold() == nil }, time.Minute, time.Millisecond)
}
