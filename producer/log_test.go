package producer

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// awkward is a logger that does to each line what do says.
type awkward struct {
	zapcore.Core
	do func()
}

func (a awkward) With([]zapcore.Field) zapcore.Core { return a }

func (a awkward) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return c.AddCore(e, a)
}

func (a awkward) Write(e zapcore.Entry, fields []zapcore.Field) error {
	a.do()
	return a.Core.Write(e, fields)
}

func TestLogger_NeverWaitsForOneThatBlocks(t *testing.T) {
	inner, seen := observer.New(zap.InfoLevel)
	release := make(chan struct{})
	log, l := newLogger(zap.New(awkward{inner, func() { <-release }}))
	const lines = 100
	for i := range lines {
		log.Info("message " + string(rune('a'+i%26)))
	}
	close(release)
	l.close()
	<-l.done
	require.Positive(t, seen.Len())
	require.LessOrEqual(t, seen.Len(), logWaiting+1)
}

func TestLogger_SurvivesOneThatPanics(t *testing.T) {
	inner, seen := observer.New(zap.InfoLevel)
	broken := true
	log, l := newLogger(zap.New(awkward{inner, func() {
		if broken {
			broken = false
			panic("a logger's own mistake")
		}
	}}))
	log.Info("lost")
	log.With(zap.Int("n", 1)).Info("written")
	log.Debug("not asked for")
	l.close()
	<-l.done
	require.Equal(t, 1, seen.Len())
	require.Equal(t, "written", seen.All()[0].Message)
}

func TestWithSlog_WritesToTheHandler(t *testing.T) {
	var text syncBuffer
	p, err := New(Config{Clusters: map[string]ClusterConfig{"a": {Brokers: []string{"127.0.0.1:1"}}}},
		WithSlog(slog.New(slog.NewTextHandler(&text, nil)).With("service", "plays")))
	require.NoError(t, err)
	require.NoError(t, p.Reconfigure(p.Config()))
	_, err = p.Close(t.Context())
	require.NoError(t, err)
	require.Contains(t, text.String(), `level=INFO msg="settings changed" service=plays`)
}
