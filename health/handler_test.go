package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/internal/page"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestHandler_AnswersItsPathsAndNoOthers(t *testing.T) {
	h := New(well())
	for path, contentType := range map[string]string{
		"/livez": page.Plain, "/readyz": page.Plain, "/health": page.JSON, "/data": page.JSON, "/past": page.JSON,
		"/settings": page.JSON, "/links": page.JSON,
		"/": "text/html; charset=utf-8", "/page.js": "text/javascript; " +
			"charset=utf-8", "/show.js": "text/javascript; " +
			"charset=utf-8", "/chart.js": "text/javascript; " +
			"charset=utf-8", "/timeline.js": "text/javascript; charset=utf-8",
		"/page.css": "text/css; charset=utf-8", "/icon.svg": "image/svg+xml",
		"/livez?verbose=1": page.Plain,
	} {
		w := get(t, h, "GET", path)
		require.Equal(t, 200, w.Code, path)
		require.Equal(t, contentType, w.Header().Get("Content-Type"), path)
		require.Equal(t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"), path)
		require.NotZero(t, w.Body.Len(), path)
		if contentType == page.JSON {
			require.True(t, json.Valid(w.Body.Bytes()), path)
		}
		head := get(t, h, "HEAD", path)
		require.Equal(t, 200, head.Code, path)
		require.Zero(t, head.Body.Len(), path)
		for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "X"} {
			w := get(t, h, method, path)
			require.Equal(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, path)
			require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
		}
	}
	for _, path := range []string{"/nothing", "/livez/", "//livez", "/page/page.js", "/../livez",
		"/%2e%2e/page.js", "/debug/pprof/", "/LIVEZ", "/health.json"} {
		require.Equal(t, http.StatusNotFound, get(t, h, "GET", path).Code, path)
		require.Equal(t, http.StatusNotFound, get(t, h, "POST", path).Code, path)
	}
}

func TestHandler_MayBeMountedAnywhere(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/a/b/", http.StripPrefix("/a/b", New(well())))
	mux.Handle("/c/", http.StripPrefix("/c/", New(well())))
	server := httptest.NewServer(mux)
	defer server.Close()
	for path, want := range map[string]string{"/a/b/livez": "ok\n", "/c/livez": "ok\n",
		"/a/b/": "<!doctype html>", "/a/b": "<!doctype html>", "/c/": "<!doctype html>"} {
		answer, err := http.Get(server.URL + path)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, 200, answer.StatusCode, path)
		require.True(t, strings.HasPrefix(string(body), want), path)
		require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	}
}

func TestHandler_PageLinksToItsOwnFilesOnly(t *testing.T) {
	text := get(t, New(well()), "GET", "/").Body.String()
	for _, foreign := range []string{"//", "style=", "onload", "<script>", "<style", "=\"/"} {
		require.NotContains(t, text, foreign)
	}
	for _, name := range []string{"page.js", "show.js", "chart.js", "timeline.js"} {
		script := get(t, New(well()), "GET", "/"+name).Body.String()
		for _, unsafe := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML",
			"document.write", "eval(", "setAttribute('style'", "http://", "https://"} {
			require.NotContains(t, strings.ReplaceAll(script, "http://www.w3.org/2000/svg", ""),
				unsafe, name)
		}
	}
}

func TestReady_IsByDefaultWhateverKafkaIs(t *testing.T) {
	f := well()
	f.stats.Clusters["main"] = producer.ClusterStats{State: producer.Down}
	f.stats.Lanes[routing.High] = producer.LaneStats{Shedding: true}
	h := New(f)
	looks := f.looks.Load()
	require.Equal(t, 200, get(t, h, "GET", "/readyz").Code)
	require.Equal(t, 200, get(t, h, "GET", "/livez").Code)
	require.Equal(t, looks, f.looks.Load(), "nobody looks")
}

func TestReady_FollowsThePolicy(t *testing.T) {
	f := well()
	f.stats.Lanes[routing.High] = producer.LaneStats{Shedding: true, Oldest: time.Minute}
	for name, test := range map[string]struct {
		policy func(producer.Stats) error
		answer string
	}{
		"well":          {func(producer.Stats) error { return nil }, ""},
		"its own words": {func(producer.Stats) error { return errors.New("no") }, "no"},
		"panics":        {func(producer.Stats) error { panic("secret") }, "the policy panicked"},
		"high sheds": {NotWhileShedding(routing.High),
			"records of high priority are lost because the buffer is full"},
		"low does not": {NotWhileShedding(routing.Low), ""},
		"high is behind": {NotBehind(routing.High, time.Second),
			"a record of high priority has waited longer than 1s"},
		"not that much": {NotBehind(routing.High, time.Minute), ""},
		"long words": {func(producer.Stats) error {
			return errors.New(strings.Repeat("x", 1e6))
		}, strings.Repeat("x", textMax) + "…"},
		"the stats are it": {func(s producer.Stats) error { return errors.New(s.Lanes[routing.High].Oldest.String()) }, "1m0s"},
	} {
		w := get(t, New(f, WithReady(test.policy)), "GET", "/readyz")
		status, answer := 200, "ok\n"
		if test.answer != "" {
			status, answer = 503, "not ready: "+test.answer+"\n"
		}
		require.Equal(t, status, w.Code, name)
		require.Equal(t, answer, w.Body.String(), name)
	}
}

func TestHandler_LooksRarelyHoweverManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := well()
		h := New(f, WithReady(NotWhileShedding(routing.High)))
		began := f.looks.Load()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				for range 100 {
					for _, path := range []string{"/data", "/health", "/readyz", "/settings", "/",
						"/livez"} {
						require.Equal(t, 200, get(t, h, "GET", path).Code)
					}
					time.Sleep(50 * time.Millisecond)
				}
			})
		}
		all.Wait()
		require.LessOrEqual(t, f.looks.Load()-began, int64(5*time.Second/fresh)+1,
			"of 12,000 requests in five seconds")
		require.GreaterOrEqual(t, f.looks.Load()-began, int64(5*time.Second/fresh)-1,
			"and what they see is fresh")
	})
}

func TestHandler_AnswersAreBounded(t *testing.T) {
	f := well()
	f.stats.Topics = manyTopics(10_000, 3000)
	for i := range 1000 {
		name := "c" + strconv.Itoa(i)
		f.stats.Clusters[name] = producer.ClusterStats{State: producer.Down,
			Reason: strings.Repeat("reason ", 1000)}
		f.history = append(f.history, producer.Event{Cluster: name,
			Reason: strings.Repeat("reason ", 1000)})
		f.cfg.Topics = append(f.cfg.Topics, producer.TopicConfig{Topic: name, Priority: routing.Low})
	}
	f.history = f.history[:128] // as a producer has
	for range 361 {             // as a producer has
		s := producer.Sample{Accepted: 1e12, Delivered: 1e12, Requests: 1e10, RequestRecords: 1e12,
			HeldBytes: 1e10, Low: 1e12, Medium: 1e12, High: 1e12}
		for i := range s.DeliveryTime.Buckets {
			s.DeliveryTime.Buckets[i] = 1e11
		}
		f.samples = append(f.samples, s)
	}
	h := New(f, WithSettings(func(producer.Config) iter.Seq2[string, string] {
		return func(yield func(field, value string) bool) {
			for i := 0; i < 2*settingsMax+1 && yield(fmt.Sprint("field ", i), "1"); i++ {
			}
		}
	}))
	require.Less(t, get(t, h, "GET", "/past").Body.Len(), 256<<10)
	var r Report
	require.NoError(t, json.Unmarshal(get(t, h, "GET", "/health").Body.Bytes(), &r))
	require.Len(t, r.Problems, problemsMax)
	require.Equal(t, 4000-problemsMax, r.LeftOut)
	body := get(t, h, "GET", "/data").Body.Bytes()
	require.Less(t, len(body), 256<<10)
	var d data
	require.NoError(t, json.Unmarshal(body, &d))
	require.Len(t, d.Topics, topicsMax)
	require.Equal(t, 10_000-topicsMax, d.TopicsLeftOut)
	for i, topic := range d.Topics {
		require.Equal(t, fmt.Sprintf("t%05d", 2999-i), topic.Topic,
			"of those in trouble the ones of which most waits")
	}
	require.Len(t, d.Clusters, clustersMax)
	require.Equal(t, 1002-clustersMax, d.ClustersLeftOut)
	var s settings
	require.NoError(t, json.Unmarshal(get(t, h, "GET", "/settings").Body.Bytes(), &s))
	require.Len(t, s.Settings, settingsMax)
	require.Equal(t, settingsMax+1, s.LeftOut)
}

func TestHandler_SecretsAreInNoAnswer(t *testing.T) {
	const secret = "correct-horse-battery"
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(),
		kfake.Superuser("SCRAM-SHA-256", "svc", "right"))
	require.NoError(t, err)
	defer k.Close()
	cfg := producer.Config{Clusters: map[string]producer.ClusterConfig{"main": {
		Brokers: k.ListenAddrs(),
		SASL:    producer.SASLConfig{Mechanism: "scram-sha-256", User: "svc", Password: secret},
	}, "vault": {Brokers: k.ListenAddrs(), SASL: producer.SASLConfig{Mechanism: "scram-sha-256"}}}}
	cfg.Priorities.Low.Cluster, cfg.Priorities.Medium.Cluster, cfg.Priorities.High.Cluster = "main", "main", "vault"
	p, err := producer.New(cfg, producer.WithCredentials("vault",
		func(context.Context) (producer.Credentials, error) {
			return producer.Credentials{User: "svc", Password: secret, Token: secret}, nil
		}))
	require.NoError(t, err)
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = p.Close(ctx)
	}()
	h := New(p, WithSettings(func(cfg producer.Config) iter.Seq2[string, string] {
		return maps.All(map[string]string{"clusters": fmt.Sprintf("%+v", cfg.Clusters)})
	})).(*handler)
	for _, name := range []string{"low", "high"} {
		priority, _ := routing.ParsePriority(name)
		require.NoError(t, p.Send(producer.Record{Topic: "events", Priority: priority,
			Value: []byte(secret)}))
	}
	require.Eventually(t, func() bool {
		said := get(t, h, "GET", "/health").Body.String()
		// kfake hangs up on a wrong password
		return strings.Contains(said, "EOF") && !strings.Contains(said, "nobody has answered yet")
	}, time.Minute, fresh, "both passwords were shown")
	for path := range h.resources {
		require.NotContains(t, get(t, h, "GET", "/"+path).Body.String(), secret, path)
	}
	require.Contains(t, get(t, h, "GET", "/settings").Body.String(), "Password:***")
}

func TestHandler_SettingsAreShownAsTheViewHasThem(t *testing.T) {
	require.JSONEq(t, `{"settings":null,"left_out":0,
		"hint":"to see the settings here, pass health.WithSettings(config.Fields) to health.New"}`,
		get(t, New(well()), "GET", "/settings").Body.String())
	h := New(well(), WithSettings(func(producer.Config) iter.Seq2[string, string] {
		return maps.All(map[string]string{"batching.linger": "10ms"})
	}))
	require.JSONEq(t, `{"settings":[{"field":"batching.linger","value":"10ms"}],"left_out":0}`,
		get(t, h, "GET", "/settings").Body.String())
}

func FuzzHandler(f *testing.F) {
	for _, path := range []string{"/", "/livez", "/readyz", "/health", "/data", "/settings",
		"/page.js", "/x", "/../..", "/data?callback=x"} {
		f.Add("GET", path, "Accept", "text/html", "")
		f.Add("POST", path, "X-Forwarded-Prefix", "<script>", "body")
	}
	f.Add("HEAD", "/health", "Range", "bytes=0-1", "")
	f.Add("GET", "/page.js", "If-None-Match", "*", "")
	h := New(well())
	f.Fuzz(func(t *testing.T, method, path, header, value, body string) {
		r := httptest.NewRequest(http.MethodGet, "/", strings.NewReader(body))
		const mark = "fXzmark" // is in everything that comes from outside, and must not come back
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, "q="+mark
		r.Header.Set(header, value+mark)
		r.Header.Set("X-"+mark, mark)
		r.Host, r.RequestURI = mark, path+mark
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		requireSecure(t, w)
		require.Contains(t, []int{200, 404, 405}, w.Code)
		require.NotContains(t, w.Body.String(), mark)
		for name, values := range w.Header() {
			require.NotContains(t, name+strings.Join(values, ""), mark)
		}
		known := map[string]bool{"Content-Type": true, "Content-Length": true, "Allow": true}
		for name := range w.Header() {
			require.True(t, known[name] || page.Security[name] != "", name)
		}
		r.URL.Path = path + mark
		w = httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, 404, w.Code)
		require.NotContains(t, w.Body.String(), mark)
		left, _ := io.ReadAll(r.Body)
		require.Equal(t, body, string(left), "nobody reads it")
	})
}

func TestHandler_LinksToOtherPagesOfTheProgram(t *testing.T) {
	require.JSONEq(t, `[]`, get(t, New(well()), "GET", "/links").Body.String())
	h := New(well(), WithLink("../", "The audit"))
	require.JSONEq(t, `[{"address":"../","text":"The audit"}]`, get(t, h, "GET", "/links").Body.String())
}
