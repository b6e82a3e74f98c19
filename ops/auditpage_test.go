package ops

import (
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/audit/watch"
)

// auditor is an instance of the auditor that says what a test wants it to, and its page.
type auditor struct {
	server *httptest.Server

	mu sync.Mutex // guards s
	s  audit.Snapshot
}

func newAuditor(t *testing.T) *auditor {
	a := &auditor{s: audited()}
	a.server = httptest.NewServer(watch.New(a.snapshot, watch.WithLink("producer/", "The producer")))
	t.Cleanup(a.server.Close)
	return a
}

func (a *auditor) snapshot() audit.Snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.s
	s.At = time.Now()
	report := *s.Report
	report.Total = audit.Counts{}
	for i := range report.Rows {
		report.Total.Add(&report.Rows[i].Counts)
	}
	s.Report = &report
	return s
}

// change changes what the auditor says from now on.
func (a *auditor) change(fn func(*audit.Snapshot)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fn(&a.s)
}

// audited is an instance that has audited three topics for two hours, and found all of it.
func audited() audit.Snapshot {
	now := time.Now()
	s := audit.Snapshot{Began: now.Add(-2 * time.Hour), Instance: "auditor-1", Role: audit.Both,
		Report: &audit.Report{Readers: []audit.Presence{{Name: "forebay-audit-4f1d2c3b4a596877"}}}}
	for i, topic := range []string{"orders", "payments.card", "playback-events"} {
		for b := range audit.Bucket(12) {
			n := uint64(600_000 >> (2 * i))
			row := audit.Row{Topic: topic, Bucket: audit.BucketOf(now) - b, Instance: "shop-7", Run: 7,
				Counts: audit.Counts{Numbered: n, Delivered: n, Seen: n}, Live: b < 2, Closed: b >= 2}
			if b == 0 {
				row.Waiting, row.Seen = 900, n-900
			}
			s.Report.Rows = append(s.Report.Rows, row)
		}
		read := audit.ReadTopic{Topic: topic, Partitions: 6, Unread: int64(900 * (i + 1))}
		read.TwoClocks.Buckets[2], read.TwoClocks.Buckets[4] = 970, 30
		s.Topics = append(s.Topics, read)
	}
	for i := range int32(3) {
		s.Report.Sources = append(s.Report.Sources, audit.Presence{Name: "shop-" + string('7'+i), Run: 7})
		b := audit.BrokerReport{Broker: i, Host: "kafka-" + string('0'+i) + ".example.org:9092",
			State: audit.Well, Since: s.Began, Sent: 7200,
			Partitions: []audit.HeartbeatReport{{Acknowledged: audit.Times{Median: 2 * time.Millisecond,
				Longest: 19 * time.Millisecond}, Read: audit.Times{Median: 4 * time.Millisecond}}}}
		for m := range 60 {
			minute := audit.BrokerMinute{Start: now.Truncate(time.Minute).Add(time.Duration(m-59) * time.Minute),
				State: audit.Well, Acknowledged: 60, Longest: time.Duration(3+m*m%23*int(i+1)) * time.Millisecond}
			if i == 1 && m > 20 && m < 25 {
				minute.State, minute.Longest = audit.Slow, 700*time.Millisecond
			}
			if i == 2 && m > 40 && m < 43 {
				minute.State, minute.Failed = audit.Dead, 55
			}
			b.Past = append(b.Past, minute)
		}
		s.Brokers = append(s.Brokers, b)
	}
	s.Loads = []audit.LoadStats{{Topic: "orders", Sent: 7_200_000}}
	return s
}

func TestAuditPage_TellsWhatIsLostAndWhoIsSilent(t *testing.T) {
	b, a := newBrowser(t), newAuditor(t)
	b.size(1280, 960)
	b.dark(false)
	b.do(chromedp.Navigate(a.server.URL))
	b.says("#summary", "Every decided record is in the log, once and in order.")
	require.Equal(t, "✓ Forebay audit", eval[string](b, "document.title"))
	require.Equal(t, "100.0000 %", table(b, "#topic-rows")["orders"]["Complete"])
	require.Equal(t, "≤ 25 ms*", table(b, "#topic-rows")["orders"]["Latency, median"])
	require.Equal(t, "✓ well", table(b, "#broker-rows")["1"]["State"])
	require.Equal(t, 13, eval[int](b, "document.querySelectorAll('#bucket-heads th').length"))
	b.says("#links", "The producer")
	slow := "document.querySelectorAll('#map .broker:nth-child(2) .minute.slow').length"
	require.Equal(t, 4, eval[int](b, slow))
	require.Regexp(t, `^Broker 1 in the last hour: slow at (\d\d:\d\d, ){3}\d\d:\d\d$`,
		eval[string](b, "document.querySelectorAll('#map [role=img]')[1].ariaLabel"))
	b.picture("audit-well")
	everywhere(b, "audit-well")

	a.change(func(s *audit.Snapshot) {
		for i := range s.Report.Rows {
			if row := &s.Report.Rows[i]; row.Topic == "payments.card" && i == 12+3 {
				row.Lost, row.Seen, row.Examples = 1, row.Seen-1, []uint64{88_231}
			}
		}
		s.Report.Sources[1].Silent, s.Report.Sources[1].Quiet = true, 40*time.Second
		s.Brokers[2].State, s.Brokers[2].Since = audit.Dead, time.Now()
	})
	b.says("#summary",
		"Faulty: Kafka has acknowledged records of topic payments.card that are not in the log.")
	require.Equal(t, "✕ Forebay audit", eval[string](b, "document.title"))
	b.says("#problems", "such as number 88231")
	b.says("#problems", "Broker 2 (kafka-2.example.org:9092) acknowledges nothing.")
	b.says("#problems", "Instance shop-8 is silent")
	require.Equal(t, "99.9999 %", table(b, "#topic-rows")["payments.card"]["Complete"])
	require.Equal(t, "1", table(b, "#topic-rows")["payments.card"]["Lost"])
	b.says("#bucket-rows", "✕ 99.9993")
	b.says("#bucket-rows", "1 lost")
	require.Equal(t, "✕ dead", table(b, "#broker-rows")["2"]["State"])
	require.Equal(t, "✕ silent", table(b, "#who-rows")["shop-8"]["State"])
	b.picture("audit-faulty")
	everywhere(b, "audit-faulty")
	b.clean(a.server.URL)

	a.server.CloseClientConnections()
	a.server.Close()
	b.says("#summary", "The program does not answer. The figures are from ")
	require.Equal(t, "? Forebay audit", eval[string](b, "document.title"))
}

func TestAuditPage_IsUsedByKeyboard(t *testing.T) {
	b, a := newBrowser(t), newAuditor(t)
	b.do(chromedp.Navigate(a.server.URL))
	b.says("#links", "The producer")
	var order []string
	for range 5 {
		b.do(chromedp.KeyEvent(kb.Tab))
		order = append(order, eval[string](b, "document.activeElement.textContent.trim()"))
		require.NotEqual(t, "0px", eval[string](b,
			"getComputedStyle(document.activeElement).outlineWidth"), "what has the focus is seen: %v", order)
	}
	require.Equal(t, []string{"Skip to the topics", "The producer", "health", "livez", "readyz"}, order)
	b.clean(a.server.URL)
}

func TestAuditPage_ShowsTextsOfOthersAsText(t *testing.T) {
	b, a := newBrowser(t), newAuditor(t)
	const name = `<img src=x onerror="window.broken=1"><script>window.broken=1</script>&amp;"'`
	a.change(func(s *audit.Snapshot) {
		s.Instance, s.Brokers[0].Host, s.Brokers[0].State = name, name, audit.Slow
		s.Report.Sources[0].Name, s.Report.Sources[0].Silent = name, true
		s.Report.Rows[0].Topic, s.Report.Rows[0].Instance, s.Report.Rows[0].Lost = name, name, 1
		s.Loads[0].Topic, s.Loads[0].LastFail = name, name
	})
	b.do(chromedp.Navigate(a.server.URL))
	for _, selector := range []string{"#summary", "#problems", "#instance", "#topic-rows", "#bucket-rows",
		"#broker-rows", "#who-rows", "#load-rows"} {
		b.says(selector, name)
	}
	require.Equal(t, 1, eval[int](b, "document.images.length"), "its own sign")
	require.False(t, eval[bool](b, "'broken' in window"))
	b.size(360, 700)
	b.fits()
	b.clean(a.server.URL)
}
