package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/twmb/franz-go/pkg/sr/srfake"

	"github.com/forebay-go/forebay/producer"
)

func TestLookUp_FindsTheIDAfterEachFault(t *testing.T) {
	for name, c := range map[string]struct {
		fault func(*http.Request) (*http.Response, error)
		says  string
	}{
		"away": {down, "the registry at http://registry.test cannot be reached: connection refused"},
		"hang": {hang, "the registry at http://registry.test has not answered within 5s"},
		"500": {answers(500, html, "<html>\n oops </html>"),
			"the registry at http://registry.test answers HTTP 500: <html> oops </html>"},
		"503 of a registry": {answers(503, "application/json", `{"error_code":50003,"message":"no leader"}`),
			"the registry at http://registry.test answers HTTP 503: no leader"},
		"HTML": {answers(200, html, "<html>welcome</html>"),
			"answers with something else than an ID: is this the address of a schema registry?"},
		"HTML 404": {answers(404, html, "<html>none</html>"),
			"answers HTTP 404: <html>none</html>: is this the address of a schema registry?"},
		"no ID":  {answers(200, "application/json", `{}`), "answers with something else than an ID"},
		"ID 0":   {answers(200, "application/json", `{"id":0}`), "answers with something else than an ID"},
		"ID < 0": {answers(200, "application/json", `{"id":-1}`), "answers with something else than an ID"},
		"big ID": {answers(200, "application/json", `{"id":4294967297}`), "answers with something else than an ID"},
		"no number": {answers(200, "application/json", `{"id":"1"}`),
			"answers with something else than an ID"},
		"endless": {answers(200, "application/json",
			`{"id":9,"schema":"`+strings.Repeat(" ", maxAnswerBytes)+`"}`),
			"answers with something else than an ID"},
		"401": {answers(401, "application/json", `{"error_code":401,"message":"Unauthorized"}`),
			"refuses the credentials (HTTP 401: Unauthorized): check User and Password, or Token"},
		"422": {answers(422, "application/json", `{"error_code":42201,"message":"Invalid schema"}`),
			"does not take this schema (HTTP 422: Invalid schema)"},
		"a login page": {redirected(html, "<html>log in</html>"),
			"answers with something else than an ID: is this the address of a schema registry?"},
		"closes in the middle": {broken, "unexpected EOF"},
		"a body that hangs":    {stalled, "has not answered within 5s"},
		"unregistered": {nil, "does not know this schema under the subject \"plays-value\": " +
			"run forebay schema register"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeRegistry()
				f.set(c.fault)
				r, logs := join(t, f, Config{})
				begun := codec(t, r, "plays-value", recordA)
				time.Sleep(5 * time.Minute)
				hold := begun.Hold()
				require.NotNil(t, hold)
				require.Contains(t, hold.String(), c.says)
				require.Contains(t, said(t, logs, waitLine)["reason"], c.says)
				require.Equal(t, 1, lines(logs)[waitLine], "a line for each change")
				require.Equal(t, 1, r.Stats().Waiting)
				_, err := begun.AppendKnown(nil, "a")
				require.ErrorIs(t, err, ErrUnknownID)

				f.set(nil)
				f.SeedSchema("plays-value", 1, 7, avro(recordA))
				time.Sleep(defaultMaxPause + 5*time.Second)
				require.Nil(t, begun.Hold())
				id, source := begun.ID()
				require.Equal(t, 7, id)
				require.Equal(t, LookedUp, source)
				value, err := begun.Append(nil, "a")
				require.NoError(t, err)
				require.Equal(t, "\x00\x00\x00\x00\x07a", string(value))
				require.Equal(t, map[string]any{"subject": "plays-value", "id": int64(7),
					"source": "registry"}, said(t, logs, foundLine))
				s := r.Stats()
				require.Equal(t, 1, s.LookedUp)
				require.Zero(t, s.Waiting)
				if c.fault != nil {
					require.Equal(t, s.LookUps-1, s.Failures)
				} else {
					require.Equal(t, s.LookUps-1, s.Unregistered)
				}
			})
		})
	}
}

// redirected sends the client to another page, which has text.
func redirected(kind, text string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		if req.URL.Path == "/login" {
			return answers(200, kind, text)(req)
		}
		resp, err := answers(302, html, "")(req)
		resp.Header.Set("Location", "/login")
		return resp, err
	}
}

// broken ends in the middle of an answer.
func broken(req *http.Request) (*http.Response, error) {
	resp, err := answers(200, "application/json", "")(req)
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`),
		iotest.ErrReader(io.ErrUnexpectedEOF)))
	return resp, err
}

// stalled begins an answer and sends no more of it.
func stalled(req *http.Request) (*http.Response, error) {
	resp, err := answers(200, "application/json", "")(req)
	resp.Body = io.NopCloser(stalledBody{req.Context()})
	return resp, err
}

type stalledBody struct{ ctx context.Context }

func (b stalledBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, b.ctx.Err()
}

func TestLookUp_AsksAtMostEveryFifteenSecondsOnAverageAndRegistersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.set(down)
		r, _ := join(t, f, Config{})
		codec(t, r, "plays-value", recordA)
		synctest.Wait()
		require.Len(t, f.asked(), 1)
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		n := len(f.asked())
		require.InDelta(t, 4*3600/15, n, 4*3600/15/5)
		f.set(nil)
		time.Sleep(4 * time.Hour)
		asked := f.asked()[n:]
		require.InDelta(t, 2*4*3600/15, len(asked), 2*4*3600/15/5)
		for _, line := range asked {
			require.Regexp(t, `^POST /subjects/plays-value(\?normalize=true)?$`, line)
		}
		require.False(t, f.SubjectExists("plays-value"))
	})
}

func TestVerify_AsksRarelyWhereNothingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.set(down)
		r, _ := join(t, f, Config{}, WithLock(lockBytes(t, "s", recordA, 5)))
		codec(t, r, "s", recordA)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		require.InDelta(t, 24*12, len(f.asked()), 24*12/3)
	})
}

func TestLookUp_FindsASchemaThatTheRegistryKnowsOnlyNormalized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.SeedSchema("plays-value", 1, 7, avro(recordA))
		f.set(func(req *http.Request) (*http.Response, error) {
			if req.URL.Query().Get("normalize") == "true" {
				return answers(200, "application/json", `{"id":7}`)(req)
			}
			return answers(404, "application/json", `{"error_code":40403,"message":"no"}`)(req)
		})
		r, _ := join(t, f, Config{})
		c := codec(t, r, "plays-value", recordA)
		synctest.Wait()
		id, _ := c.ID()
		require.Equal(t, 7, id)
	})
}

func TestLookUp_OneAtATimeForEachSubjectAndAllSchemasOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.set(func(req *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second) // slow, but it answers
			return answers(200, "application/json", `{"id":7}`)(req)
		})
		r, _ := join(t, f, Config{})
		var all []*Codec[string]
		for _, name := range []string{"A", "B", "C"} {
			all = append(all, codec(t, r, "s", `{"type":"record","name":"`+name+`","fields":[]}`))
		}
		require.Same(t, all[0].entry, codec(t, r, "s", `{"type":"record","name":"A","fields":[]}`).entry)
		time.Sleep(6*time.Second + time.Millisecond)
		for _, c := range all {
			require.Nil(t, c.Hold())
		}
		require.Len(t, f.asked(), 3)
		require.Equal(t, 1, f.most)
		other := codec(t, r, "t", recordA)
		more := codec(t, r, "s", recordA)
		time.Sleep(2*time.Second + time.Millisecond)
		require.Nil(t, other.Hold())
		require.Nil(t, more.Hold())
		require.Equal(t, 2, f.most, "subjects do not wait for each other")
	})
}

func TestLookUp_ANewSchemaDoesNotWaitForThePauseOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.SeedSchema("s", 1, 7, avro(recordB))
		r, _ := join(t, f, Config{MaxPause: time.Hour})
		codec(t, r, "s", recordA) // not registered
		time.Sleep(24 * time.Hour)
		c := codec(t, r, "s", recordB)
		synctest.Wait()
		require.Nil(t, c.Hold())
	})
}

func TestLookUp_GoesOnWithTheNextAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.set(func(req *http.Request) (*http.Response, error) {
			if req.URL.Host == "b.test" {
				return answers(200, "application/json", `{"id":7}`)(req)
			}
			return answers(500, html, "oops")(req)
		})
		r, _ := join(t, f, Config{URLs: []string{"http://a.test", "http://b.test", "http://c.test"}})
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		require.Nil(t, c.Hold())
		require.Len(t, f.asked(), 2)
		c = codec(t, r, "t", recordA)
		synctest.Wait()
		require.Nil(t, c.Hold())
		require.Len(t, f.asked(), 3, "the one that answered last comes first")
	})
}

func TestClose_EndsLookUpsAndIsHarmlessTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		f.set(hang)
		r, _ := join(t, f, Config{})
		c := codec(t, r, "s", recordA)
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, r.Close(t.Context()))
		require.NoError(t, r.Close(t.Context()))
		require.Zero(t, time.Since(begun))
		require.Contains(t, c.Hold().String(), "the registry was closed before")
		_, err := NewCodec(r, "s", avro(recordA), plain{})
		require.ErrorIs(t, err, ErrClosed)
		require.Equal(t, 1, r.Stats().Waiting)
	})
}

func TestClose_DoesNotWaitBeyondItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		free := make(chan struct{})
		f.set(func(*http.Request) (*http.Response, error) { <-free; return nil, errDown })
		r, _ := join(t, f, Config{})
		codec(t, r, "s", recordA)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := r.Close(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "close the registry: a look-up has not ended")
		close(free)
	})
}

// wild is a logger core that panics or ends the goroutine.
type wild struct{ zapcore.Core }

func (w wild) Check(e zapcore.Entry, _ *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if strings.HasSuffix(e.Message, "wait") {
		runtime.Goexit()
	}
	panic(e.Message)
}

func TestLookUp_SurvivesATransportAndALoggerThatPanicOrExit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeRegistry()
		n := 0
		f.set(func(*http.Request) (*http.Response, error) {
			switch n++; n % 3 {
			case 0:
				panic("transport")
			case 1:
				runtime.Goexit()
			}
			return nil, errDown
		})
		r, _ := join(t, f, Config{}, WithLogger(zap.New(wild{zapcore.NewNopCore()})))
		c := codec(t, r, "s", recordA)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		f.SeedSchema("s", 1, 7, avro(recordA))
		f.set(nil)
		time.Sleep(time.Minute)
		require.Nil(t, c.Hold())
	})
}

func TestNew_TalksToARegistryThatWantsAPassword(t *testing.T) {
	// Over a real connection: what is sent, and what the client does by itself.
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"basic": {Config{User: "me", Password: "secret"}, "Basic bWU6c2VjcmV0"},
		"token": {Config{Token: "secret"}, "Bearer secret"},
		"none":  {Config{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newServedRegistry(t, c.want)
			f.SeedSchema("a/b c", 1, 7, avro(recordA))
			c.cfg.URLs = []string{f.URL() + "/"}
			r, err := New(c.cfg)
			require.NoError(t, err)
			defer func() { require.NoError(t, r.Close(context.Background())) }()
			codec := codec(t, r, "a/b c", recordA)
			require.Eventually(t, func() bool { return codec.Hold() == nil }, time.Minute,
				time.Millisecond)
		})
	}
}

var _ interface{ Hold() *producer.Hold } = (*Codec[string])(nil)

// newServedRegistry returns a registry on a port of its own that wants a header, if any.
func newServedRegistry(t *testing.T, authorization string) *srfake.Registry {
	t.Helper()
	var opts []srfake.Option
	if authorization != "" {
		opts = append(opts, srfake.WithAuth(authorization))
	}
	f := srfake.New(opts...)
	t.Cleanup(f.Close)
	return f
}

// Codecs are made, used and closed by many at once, while IDs come and go.
func TestRegistry_IsConcurrentSafe(t *testing.T) {
	f := newFakeRegistry()
	f.SeedSchema("s", 1, 7, avro(recordA))
	r, _ := join(t, f, Config{MaxPause: minMaxPause}, WithLock(lockBytes(t, "t", recordA, 7)))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 50 {
				c, err := NewCodec(r, []string{"s", "t", "u", "v"}[(i+j)%4], avro(recordA), plain{})
				if errors.Is(err, ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				hold := c.Hold()
				value, err := c.Append(nil, "a")
				if err != nil || hold == nil && string(value) != "\x00\x00\x00\x00\x07a" {
					t.Errorf("%q: %v", value, err)
				}
				_ = r.Stats()
				if i == 0 && j == 45 {
					_ = r.Close(context.Background())
				}
			}
		})
	}
	all.Wait()
}
