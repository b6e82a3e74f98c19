package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/dustin/go-humanize"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/delivery"
	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/internal/faultnet"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// world is a producer on two embedded clusters, main and spare, and its page.
type world struct {
	t      *testing.T
	cfg    producer.Config
	links  map[string]*faultnet.Link // by address
	main   *faultnet.Link
	p      *producer.Producer
	server *httptest.Server

	stop chan struct{} // closed to end the load
	load sync.WaitGroup
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, links: make(map[string]*faultnet.Link), stop: make(chan struct{})}
	cfg := producer.Config{Clusters: make(map[string]producer.ClusterConfig)}
	for _, name := range []string{"main", "spare"} {
		k, err := kfake.NewCluster(kfake.NumBrokers(2),
			kfake.SeedTopics(4, "playback", "orders", "trace"))
		require.NoError(t, err)
		t.Cleanup(k.Close)
		link := faultnet.New(new(net.Dialer).DialContext)
		for _, addr := range k.ListenAddrs() {
			w.links[addr] = link
		}
		if name == "main" {
			w.main = link
		}
		cfg.Clusters[name] = producer.ClusterConfig{Brokers: k.ListenAddrs()}
	}
	cfg.Topics = []producer.TopicConfig{{Topic: "playback", Priority: routing.High},
		{Topic: "trace", Priority: routing.Low}}
	cfg.Priorities.High.Cluster, cfg.Priorities.Low.Cluster = "main", "main"
	cfg.Priorities.Medium = producer.PriorityConfig{Cluster: "main",
		Fallbacks:     []routing.Fallback{{Cluster: "spare"}},
		FallbackAfter: time.Hour, ReturnAfter: 2 * time.Second, SwitchEvery: time.Second}
	// above that low is refused; beyond nine tenths of the whole, high and medium take from it
	cfg.Priorities.Low.CeilingShare = 0.8
	cfg.Buffer.MaxBytes = 4 << 20
	p, err := producer.New(cfg, producer.WithDialer(func(ctx context.Context, network,
		addr string) (net.Conn, error) {
		return w.links[addr].Dial(ctx, network, addr)
	}))
	require.NoError(t, err)
	w.p, w.cfg = p, cfg
	mux := http.NewServeMux()
	mux.Handle("/forebay/", http.StripPrefix("/forebay",
		health.New(p, health.WithRecent(3*time.Second),
			health.WithSettings(config.Fields))))
	w.server = httptest.NewServer(mux)
	t.Cleanup(w.end)
	return w
}

func (w *world) end() {
	w.rest()
	w.server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = w.p.Close(ctx)
}

// send has the application send n records to topic, again and again until rest.
func (w *world) send(topic string, every time.Duration, n int) {
	value := make([]byte, 200)
	w.load.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			for range n {
				if err := w.p.Send(producer.Record{Topic: topic, Value: value}); err != nil &&
					!errors.Is(err, producer.ErrBufferFull) {
					w.t.Error(err)
				}
			}
			select {
			case <-tick.C:
			case <-w.stop:
				return
			}
		}
	})
}

// rest ends the load, so that figures stand still. It may begin again.
func (w *world) rest() {
	close(w.stop)
	w.load.Wait()
	w.stop = make(chan struct{})
}

// fallBack has medium fall back now, however long the page took to show what was before.
func (w *world) fallBack() {
	w.cfg.Priorities.Medium.FallbackAfter = time.Second
	require.NoError(w.t, w.p.Reconfigure(w.cfg))
}

// begin has the application send to each topic.
func (w *world) begin() {
	w.send("playback", 20*time.Millisecond, 3)
	w.send("orders", 20*time.Millisecond, 5)
	w.send("trace", 20*time.Millisecond, 9)
}

// table returns the cells of a table by the first one and the label of its column.
func table(b *browser, body string) (rows map[string]map[string]string) {
	text := eval[string](b, `JSON.stringify(Object.fromEntries([...document.querySelectorAll('`+body+` > tr')].map((tr) =>
		[tr.cells[0].firstChild.textContent, Object.fromEntries([...tr.cells].map((c) => [c.dataset.label, c.firstChild.textContent]))])))`)
	require.NoError(b.t, json.Unmarshal([]byte(text), &rows))
	return rows
}

func TestPage_TellsTheWayThroughAnOutage(t *testing.T) {
	b := newBrowser(t)
	w := newWorld(t)
	w.begin()
	b.size(1280, 960)
	b.dark(false)
	b.do(chromedp.Navigate(w.server.URL + "/forebay/"))

	b.do(chromedp.Click(chromedp.CSS("#span input")))
	b.says("#summary", "All is well.")
	b.drawn(3)
	if *pictures != "" {
		b.drawn(10) // there is something to see
	}
	require.Equal(t, "✓ Forebay", eval[string](b, "document.title"))
	for priority, topic := range map[string]string{"High": "playback", "Medium": "orders",
		"Low": "trace"} {
		require.Equal(t, "main", table(b, "#lane-rows")[priority]["Goes to"])
		require.Equal(t, strings.ToLower(priority), table(b, "#topic-rows")[topic]["Priority"])
	}
	require.Equal(t, "✓ up", table(b, "#cluster-rows")["main"]["State"])
	require.Empty(t, table(b, "#lost-rows"))
	b.says("#nothing-lost", "Nothing was lost or refused.")
	b.says("#p99", "99 % in")
	b.picture("well")
	b.view("desktop-well")
	everywhere(b, "well")

	w.main.Cut()
	b.says("#summary", "Nothing is being lost, but cluster main is down")
	require.Equal(t, "! Forebay", eval[string](b, "document.title"))
	b.says("#problems", "Cluster main is down: ")
	b.says("#cluster-rows", "connection refused")
	require.Equal(t, "✕ down", table(b, "#cluster-rows")["main"]["State"])
	require.Equal(t, "main", table(b, "#lane-rows")["Medium"]["Goes to"], "it waits for a while")
	b.await("document.querySelector('#waiting').textContent !== '0'")

	w.fallBack()
	b.says("#summary", "medium priority has fallen back to cluster spare")
	require.Equal(t, "spare", table(b, "#lane-rows")["Medium"]["Goes to"])
	require.Equal(t, "main", table(b, "#lane-rows")["High"]["Goes to"])
	b.says("#lane-rows", "fallen back")
	b.says("#changes", "Medium priority fell back from main to spare")
	b.says("#words", "Medium priority: main from before")

	w.send("trace", 20*time.Millisecond, 500)
	w.send("playback", 20*time.Millisecond, 20)
	b.says("#summary",
		"Records of low priority are being lost or refused: the buffer is full. Cluster "+
			"main is down.")
	require.Equal(t, "✕ Forebay", eval[string](b, "document.title"))
	b.says("#lane-rows", "losing records")
	b.says("#lost-rows", "needed their memory")
	b.says("#lost-rows", "Refused by Send: the buffer is full")
	if *pictures != "" {
		b.drawn(20)
	}
	b.picture("outage")
	b.view("desktop-outage")
	everywhere(b, "outage")
	b.size(390, 844)
	b.dark(true)
	b.view("phone-dark")
	b.size(1280, 960)
	b.dark(false)

	w.rest()
	requireTruth(b, w.p)

	w.main.Restore()
	b.says("#changes", "Medium priority returned from spare to main")
	b.says("#summary", "All is well.")
	require.Equal(t, "main", table(b, "#lane-rows")["Medium"]["Goes to"])
	b.await("document.querySelector('#waiting').textContent === '0'")
	require.Zero(t, w.p.Stats().Total.Pending)
	requireTruth(b, w.p)
	b.picture("back")
	b.clean(w.server.URL)

	w.server.CloseClientConnections()
	w.server.Close()
	b.says("#summary", "The program does not answer. The figures are from ")
	b.await(`/^That is ([5-9]|\d\d) s ago\. It said then: All is well\.$/.test(document.querySelector('#silence').textContent)`)
	require.Equal(t, "? Forebay", eval[string](b, "document.title"))
	b.picture("silent")
}

// drawn waits until the chart of rates has so many points.
func (b *browser) drawn(points int) {
	b.t.Helper()
	b.await(fmt.Sprintf("document.querySelector('path.out').getAttribute('d').split('L').length >= %d",
		points))
}

// everywhere looks at the page on a phone, in the dark, and on both.
func everywhere(b *browser, name string) {
	for _, dark := range []bool{false, true} {
		b.dark(dark)
		ground := eval[string](b, "getComputedStyle(document.body).backgroundColor")
		require.Equal(b.t, map[bool]string{false: "rgb(244, 246, 244)",
			true: "rgb(17, 21, 19)"}[dark], ground)
		for _, width := range []int64{360, 390, 768, 1280} {
			b.size(width, 900)
			b.fits()
		}
	}
	b.picture(name + "-dark")
	b.size(390, 844)
	b.picture(name + "-phone-dark")
	b.dark(false)
	b.picture(name + "-phone")
	b.size(1280, 960)
}

// requireTruth fails the test unless the page comes to say what Stats says was lost, refused and
// delivered. Nothing is sent any more.
func requireTruth(b *browser, p *producer.Producer) {
	b.t.Helper()
	why := map[delivery.Reason]string{
		delivery.PreemptedByHigh: "Records of high priority needed their " +
			"memory", delivery.PreemptedByMedium: "Records of medium priority needed their memory",
	}
	require.EventuallyWithT(b.t, func(c *assert.CollectT) {
		stats := p.Stats()
		lost, lanes := table(b, "#lost-rows"), table(b, "#lane-rows")
		var all int
		for reason := range delivery.Reasons {
			var sum uint64
			for priority, books := range stats.Priorities {
				n := books.Lost(reason)
				sum += n
				if n > 0 {
					require.Equal(c, number(n), lost[why[reason]][label(priority)], reason)
				}
			}
			if sum > 0 {
				all++
				require.Equal(c, number(sum), lost[why[reason]]["All"], reason)
			}
		}
		require.Positive(c, stats.Refused[producer.ErrBufferFull])
		require.Equal(c, number(stats.Refused[producer.ErrBufferFull]),
			lost["Refused by Send: the buffer is full"]["All"])
		require.Len(c, lost, all+1)
		for priority, books := range stats.Priorities {
			row := lanes[label(priority)]
			require.Equal(c, number(books.Delivered), row["Delivered"])
			require.Equal(c,
				number(books.Shed+books.Expired+books.Rejected+books.PossiblyPersisted), row["Lost"])
			require.Equal(c, number(books.Refused), row["Refused"])
			require.Equal(c, number(books.Pending), row["Waiting"])
		}
	}, patience, 200*time.Millisecond)
}

func number(n uint64) string { return humanize.Comma(int64(n)) }

// label is what the page calls a priority.
func label(p routing.Priority) string {
	return strings.ToUpper(p.String()[:1]) + p.String()[1:]
}

func TestPage_IsUsedByKeyboard(t *testing.T) {
	b := newBrowser(t)
	w := newWorld(t)
	b.do(chromedp.Navigate(w.server.URL + "/forebay/"))
	b.says("#summary", "All is well.")
	var order []string
	for range 8 {
		b.do(chromedp.KeyEvent(kb.Tab))
		order = append(order, eval[string](b,
			"(document.activeElement.closest('label') ?? "+
				"document.activeElement).textContent.trim()"))
		require.NotEqual(t, "0px", eval[string](b,
			"getComputedStyle(document.activeElement).outlineWidth"),
			"what has the focus is seen: %v", order)
	}
	require.Equal(t, []string{"Skip to the priorities", "5 min", "The time line in words",
		"All settings in force, without secrets", "health", "livez", "readyz"}, order[:7])
	require.Positive(t, eval[int](b,
		"document.querySelectorAll('main, header, footer').length - 2"), "landmarks")

	b.do(chromedp.Focus(chromedp.CSS("#settings summary")), chromedp.KeyEvent(kb.Enter))
	b.says("#setting-rows", "priorities.medium.fallbacks[0].cluster")
	b.do(chromedp.Focus(chromedp.CSS("#span :checked")), chromedp.KeyEvent(kb.ArrowRight))
	b.says("#rates .ends", "15 min ago")
	b.do(chromedp.Focus(chromedp.CSS(".skip")), chromedp.KeyEvent(kb.Enter))
	b.await("document.activeElement.id === 'lanes'")
	b.clean(w.server.URL)
}

// evil is a producer whose names and reasons would be markup.
type evil struct{ name string }

func (e evil) Stats() producer.Stats {
	s := producer.Stats{
		Clusters: map[string]producer.ClusterStats{e.name: {State: producer.Down,
			Since: time.Now(), Reason: e.name, Unnumbered: e.name}},
		Lanes: map[routing.Priority]producer.LaneStats{routing.High: {Cluster: e.name,
			FellBack: true, Since: time.Now()}},
		Priorities: map[routing.Priority]producer.Books{routing.High: {}},
		Topics: []producer.TopicStats{{Topic: e.name, Cluster: e.name, Priority: routing.High,
			Trouble: e.name}},
	}
	return s
}

func (e evil) History() []producer.Event {
	return []producer.Event{
		{At: time.Now(), Kind: producer.EventCluster, Cluster: e.name, State: producer.Down,
			Reason: e.name},
		{At: time.Now(), Kind: producer.EventFellBack, Priority: routing.High, Cluster: e.name,
			From: e.name, Reason: e.name},
	}
}

func (e evil) Current() iter.Seq[producer.Event] { return slices.Values(e.History()) }

func (e evil) Samples() []producer.Sample { return nil }

func (e evil) Config() producer.Config {
	return producer.Config{ClientID: e.name,
		Clusters: map[string]producer.ClusterConfig{e.name: {Brokers: []string{e.name}}}}
}

func TestPage_ShowsTextsOfOthersAsText(t *testing.T) {
	b := newBrowser(t)
	const name = `<img src=x onerror="window.broken=1"><script>window.broken=1</script>&amp;"'`
	server := httptest.NewServer(health.New(evil{name}, health.WithSettings(config.Fields)))
	defer server.Close()
	b.do(chromedp.Navigate(server.URL))
	for _, selector := range []string{"#summary", "#problems", "#timeline", "#words", "#lane-rows",
		"#cluster-rows", "#topic-rows", "#changes"} {
		b.says(selector, name)
	}
	b.do(chromedp.Click(chromedp.CSS("#settings summary")))
	b.says("#setting-rows", name)
	require.Equal(t, 1, eval[int](b, "document.images.length"), "its own sign")
	require.False(t, eval[bool](b, "'broken' in window"))
	b.size(360, 700)
	b.fits()
	b.clean(server.URL)
}
