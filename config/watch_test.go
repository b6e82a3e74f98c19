package config

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/forebay-go/forebay/internal/ownline"
	"github.com/forebay-go/forebay/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Messages of Watch.
const (
	refused = "settings refused, the previous ones stay in force"
	unread  = "settings cannot be read, the previous ones stay in force"
)

// watched is a Watch in the background.
type watched struct {
	t      *testing.T
	logs   *observer.ObservedLogs
	reload chan struct{}

	mu      sync.Mutex // guards what follows
	applied []producer.Config
	refuse  error
}

// start runs watch until the test ends.
func start(t *testing.T, watch func(ctx context.Context, apply func(producer.Config) error,
	opts []Option)) *watched {
	core, logs := observer.New(zap.DebugLevel)
	w := &watched{t: t, logs: logs, reload: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		watch(ctx, w.apply, []Option{WithEnviron(), WithLogger(zap.New(core)),
			WithReload(w.reload)})
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return w
}

// startFile watches a file without polling it.
func startFile(t *testing.T, path string) *watched {
	cfg, _, err := Load(path, WithEnviron())
	require.NoError(t, err)
	f := newFile(path, time.Hour) // the folder is watched from here on
	return start(t, func(ctx context.Context, apply func(producer.Config) error, opts []Option) {
		watchFile(ctx, f, cfg, apply, opts)
	})
}

func (w *watched) apply(cfg producer.Config) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse == nil {
		w.applied = append(w.applied, cfg)
	}
	return w.refuse
}

// linger returns the linger in force, 0 if nothing was applied.
func (w *watched) linger() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.applied) == 0 {
		return 0
	}
	return w.applied[len(w.applied)-1].Batching.Linger
}

func (w *watched) requireLinger(d time.Duration) {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.linger() == d }, time.Minute,
		2*time.Millisecond)
}

// requireLogs waits for the nth line of message, and returns it with its fields.
func (w *watched) requireLogs(message string, n int) observer.LoggedEntry {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.logs.FilterMessage(message).Len() >= n },
		time.Minute, 2*time.Millisecond, message)
	line := w.logs.FilterMessage(message).All()[n-1]
	require.True(w.t, ownline.Among(line.Context), "no handler is to take it for the application's")
	return line
}

func lingering(d string) string { return valid + "batching: {linger: " + d + "}\n" }

func write(t *testing.T, path, text string) {
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// replace writes a file in one step: a half-written file would be refused.
func replace(t *testing.T, path, text string) {
	write(t, path+".new", text)
	require.NoError(t, os.Rename(path+".new", path))
}

func TestWatch_SeesAFileThatIsWrittenAndOneThatIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "forebay.yaml")
	write(t, path, lingering("1ms"))
	w := startFile(t, path)
	write(t, path, lingering("2ms"))
	w.requireLinger(2 * time.Millisecond)

	replace(t, path, lingering("3ms")) // as editors do
	w.requireLinger(3 * time.Millisecond)

	require.NoError(t, os.Rename(path, path+"~")) // as others do
	w.requireLogs(unread, 1)
	write(t, path, lingering("4ms"))
	w.requireLinger(4 * time.Millisecond)
	require.Equal(t, []any{"batching.linger: 4ms, was 3ms"},
		w.requireLogs("settings applied", 3).ContextMap()["changes"])
	require.Equal(t, path, w.logs.All()[0].ContextMap()["source"])
}

func TestWatch_SeesAConfigMapOfKubernetes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, text string) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		write(t, filepath.Join(dir, name, "forebay.yaml"), text)
	}
	swap := func(to string) {
		require.NoError(t, os.Symlink(to, filepath.Join(dir, "..data_tmp")))
		require.NoError(t, os.Rename(filepath.Join(dir, "..data_tmp"),
			filepath.Join(dir, "..data")))
	}
	version("..1", lingering("1ms"))
	swap("..1")
	path := filepath.Join(dir, "forebay.yaml")
	require.NoError(t, os.Symlink("..data/forebay.yaml", path))
	w := startFile(t, path)
	for i, linger := range []string{"2ms", "3ms"} {
		version(".."+linger, lingering(linger))
		swap(".." + linger)
		w.requireLinger(time.Duration(2+i) * time.Millisecond)
	}
}

func TestWatch_SeesAFileBehindALinkToAnotherFolder(t *testing.T) {
	t.Parallel()
	real, path := filepath.Join(t.TempDir(), "real.yaml"), filepath.Join(t.TempDir(),
		"forebay.yaml")
	write(t, real, lingering("1ms"))
	require.NoError(t, os.Symlink(real, path))
	w := startFile(t, path)
	write(t, real, lingering("2ms"))
	w.requireLinger(2 * time.Millisecond)
}

func TestWatch_LooksNowAndThenWithoutEvents(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "forebay.yaml")
	write(t, path, lingering("1ms"))
	cfg, _, err := Load(path, WithEnviron())
	require.NoError(t, err)
	f := newFile(path, 5*time.Millisecond)
	require.NoError(t, f.events.Close())
	f.events = nil
	w := start(t, func(ctx context.Context, apply func(producer.Config) error, opts []Option) {
		watchFile(ctx, f, cfg, apply, opts)
	})
	write(t, path, lingering("2ms"))
	w.requireLinger(2 * time.Millisecond)
}

func TestWatch_ABrokenFileChangesNothingAndSaysSo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "forebay.yaml")
	write(t, path, lingering("1ms"))
	w := startFile(t, path)
	replace(t, path, lingering("fast")+"bufer: {}\n")
	mistakes := w.requireLogs(refused, 1).ContextMap()["mistakes"]
	require.Equal(t, []any{path +
		`:2:20: batching.linger: "fast": write a time such as 10ms, 30s, 5m or 1h`,
		path + ":3:1: bufer: unknown setting: did you mean buffer?"}, mistakes)
	require.Zero(t, w.linger(), "nothing was applied")

	w.reload <- struct{}{} // a reload is always answered
	w.requireLogs(refused, 2)

	replace(t, path, lingering("1ms"))
	w.requireLogs("settings unchanged", 1)
	require.Zero(t, w.linger(), "nothing was applied")
	replace(t, path, lingering("2ms"))
	w.requireLinger(2 * time.Millisecond)
	require.Equal(t, 2, w.logs.FilterMessage(refused).Len(), "nothing is logged twice")
}

func TestWatch_WhatTheProducerRefusesIsLocated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "forebay.yaml")
	write(t, path, lingering("1ms"))
	cfg, _, err := Load(path, WithEnviron())
	require.NoError(t, err)
	p, err := producer.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = p.Close(t.Context()) })
	f := newFile(path, time.Hour)
	w := start(t, func(ctx context.Context, _ func(producer.Config) error, opts []Option) {
		watchFile(ctx, f, cfg, p.Reconfigure, append(opts, WithOutcome(p.SettingsFrom)))
	})
	requireSettings := func(what string, is func(s producer.SettingsStats) bool) {
		require.Eventually(t, func() bool { return is(p.Stats().Settings) }, time.Minute,
			2*time.Millisecond, what)
	}
	requireSettings("the source is known",
		func(s producer.SettingsStats) bool { return s.Source == path && s.Refused == "" })
	replace(t, path, "client_id: other\n"+lingering("1ms"))
	require.Equal(t, []any{path +
		":1:12: client_id: forebay cannot become other while the producer works: make a new one " +
		"for that"},
		w.requireLogs(refused, 1).ContextMap()["mistakes"])
	requireSettings("the refusal", func(s producer.SettingsStats) bool {
		return s.Refused == path+":1:12: client_id: forebay cannot become other while the "+
			"producer works: make a new one for that" && s.RefusedAt.After(s.Since)
	})
	require.NoError(t, os.Rename(path, path+".away"))
	requireSettings("the file is not there",
		func(s producer.SettingsStats) bool { return strings.Contains(s.Refused, "no such file") })
	require.NoError(t, os.Rename(path+".away", path))
	requireSettings("it is what it was",
		func(s producer.SettingsStats) bool {
			return strings.Contains(s.Refused, "cannot become other")
		})
	require.Zero(t, p.Stats().Settings.Changes)
	write(t, path, lingering("2ms")+"topics: [{topic: a, priority: high}]\n")
	requireSettings("the change", func(s producer.SettingsStats) bool {
		return s.Changes == 1 && s.Refused == "" && s.RefusedAt.IsZero()
	})
	require.Subset(t, w.requireLogs("settings applied", 1).ContextMap()["changes"],
		[]any{"batching.linger: 2ms, was 1ms", "topics[0].priority: high", `topics[0].topic: "a"`})
}

// service is a Source in memory, like that of a property service.
type service struct {
	changed chan struct{}
	mu      sync.Mutex // guards what follows
	text    string
	err     error
}

func (s *service) Name() string             { return "properties" }
func (s *service) Changed() <-chan struct{} { return s.changed }

func (s *service) Load(context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte(s.text), s.err
}

func (s *service) set(text string, err error) {
	s.mu.Lock()
	s.text, s.err = text, err
	s.mu.Unlock()
	s.changed <- struct{}{}
}

func TestWatchSource_TakesSettingsFromAPropertyService(t *testing.T) {
	t.Parallel()
	s := &service{changed: make(chan struct{}), text: lingering("2ms")}
	cfg := load(t, lingering("1ms"))
	w := start(t, func(ctx context.Context, apply func(producer.Config) error, opts []Option) {
		WatchSource(ctx, s, cfg, apply, opts...)
	})
	w.requireLinger(2 * time.Millisecond) // it had changed before it was watched
	s.set("", errors.New("no answer"))
	s.set("", errors.New("no answer"))
	s.set("", errors.New("another answer"))
	require.Equal(t, "another answer", w.requireLogs(unread, 2).ContextMap()["error"])
	s.set("clusters: {}", nil)
	require.Equal(t,
		[]any{"properties:1:1: clusters: none: name at least one cluster and its brokers"},
		w.requireLogs(refused, 1).ContextMap()["mistakes"])
	w.mu.Lock()
	w.refuse = errors.New("not today")
	w.mu.Unlock()
	s.set(lingering("3ms"), nil)
	require.Equal(t, []any{"properties: not today"},
		w.requireLogs(refused, 2).ContextMap()["mistakes"])
	w.mu.Lock()
	w.refuse = nil
	w.mu.Unlock()
	w.reload <- struct{}{}
	w.requireLinger(3 * time.Millisecond)
}

func TestWatch_LogsToSlog(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	w := &watch{src: new(service),
		options: newOptions([]Option{WithSlog(slog.New(slog.NewTextHandler(&text, nil)))})}
	w.refuse(newError([]Mistake{{Text: "no clusters"}}))
	require.Contains(t, text.String(),
		`level=ERROR msg="settings refused, the previous ones stay in force" `+
			`mistakes="[no clusters]"`)
}

// A setting that an option provides is not a mistake in the file, nor does it hide changes.
func TestWatch_WithCredentialsFromAnOption(t *testing.T) {
	t.Parallel()
	const login = "clusters: {a: {brokers: ['x:1'], sasl: {mechanism: plain}}}\n"
	_, _, err := Parse("f.yaml", []byte(login), WithEnviron())
	require.ErrorContains(t, err, "sasl")
	option := WithOptions(producer.WithCredentials("a",
		func(context.Context) (producer.Credentials, error) { return producer.Credentials{}, nil }))
	cfg := load(t, login, option)
	s := &service{changed: make(chan struct{}), text: login}
	w := start(t, func(ctx context.Context, apply func(producer.Config) error, opts []Option) {
		WatchSource(ctx, s, cfg, apply, append(opts, option)...)
	})
	s.set(login+"batching: {linger: 2ms}\n", nil)
	require.Equal(t, []any{"batching.linger: 2ms, was 10ms"},
		w.requireLogs("settings applied", 1).ContextMap()["changes"])
}
