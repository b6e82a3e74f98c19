package watch

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/audit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

// health returns the answer of /health.
func health(t *testing.T, s audit.Snapshot) (r Report) {
	w := get(of(s), "/health")
	require.Equal(t, 200, w.Code)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &r))
	return r
}

func TestWatch_OnlyShows(t *testing.T) {
	w := of(well())
	for _, path := range []string{"/", "/page.js", "/show.js", "/page.css", "/audit.css", "/icon.svg", "/livez",
		"/readyz", "/health", "/data", "/links"} {
		require.Equal(t, 200, get(w, path).Code, path)
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			answer := httptest.NewRecorder()
			w.ServeHTTP(answer, httptest.NewRequest(method, path, nil))
			require.Equal(t, http.StatusMethodNotAllowed, answer.Code, path)
		}
	}
	require.Equal(t, 404, get(w, "/metrics").Code, "it has no client of Prometheus")
}

func TestWatch_PageLinksToItsOwnFilesOnly(t *testing.T) {
	text := get(of(well()), "/").Body.String()
	for _, foreign := range []string{"//", "style=", "onload", "<script>", "<style", "=\"/"} {
		require.NotContains(t, text, foreign)
	}
	script := get(of(well()), "/page.js").Body.String()
	for _, unsafe := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
		"setAttribute('style'", "http://", "https://"} {
		require.NotContains(t, script, unsafe)
	}
}

func TestHealth_IsWellWhereAllIsThere(t *testing.T) {
	r := health(t, well())
	require.Equal(t, Well, r.Status)
	require.Equal(t, audit.Whole, r.Verdict)
	require.Equal(t, "100.0000 %", r.Complete)
	require.Equal(t, "Every decided record is in the log, once and in order.", r.Summary)
	require.Empty(t, r.Problems)
	require.Equal(t, "kafka-1:9092", r.Brokers[0].Host)
	require.Equal(t, uint64(2_001_500), r.Total.Seen)
}

func TestHealth_NamesWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*audit.Snapshot)
		status  Status
		kind    Kind
		summary string
	}{
		"lost": {func(s *audit.Snapshot) {
			s.Report.Rows[0].Lost, s.Report.Rows[0].Seen = 1, 1_999_999
		}, Faulty, KindLost, "Faulty: Kafka has acknowledged records of topic orders that are not in the log."},
		"twice": {func(s *audit.Snapshot) { s.Report.Rows[1].Unexplained = 2 }, Faulty, KindTwice,
			"Faulty: records of topic orders are in the log twice, and their producer has not sent them twice."},
		"order": {func(s *audit.Snapshot) { s.Report.Rows[2].OutOfOrder = 2 }, Faulty, KindOrder,
			"Faulty: records of topic plays are behind a later one of their key."},
		"contradicted": {func(s *audit.Snapshot) { s.Report.Rows[2].Contradicted = 2 }, Faulty, KindContradicted,
			"Faulty: records of topic plays are in the log that their producer has called lost."},
		"silent instance": {func(s *audit.Snapshot) { s.Report.Sources[0].Silent = true }, Impaired, KindSilent,
			"Every decided record is in the log, but instance shop is silent, and did not say that it ends."},
		"silent reader": {func(s *audit.Snapshot) { s.Report.Readers[0].Silent = true }, Impaired, KindSilent,
			"Every decided record is in the log, but reader r-1 is silent, and did not say that it ends."},
		"unstated": {func(s *audit.Snapshot) { s.Report.Sources[0].Unstated = 1 }, Impaired, KindUnstated,
			"Instance shop could not state what became of all records."},
		"slow": {func(s *audit.Snapshot) { s.Brokers[0].State = audit.Slow }, Impaired, KindBroker,
			"Every decided record is in the log, but broker 1 (kafka-1:9092) is slow."},
		"dead": {func(s *audit.Snapshot) { s.Brokers[0].State = audit.Dead }, Impaired, KindBroker,
			"Every decided record is in the log, but broker 1 (kafka-1:9092) acknowledges nothing."},
		"unwatched": {func(s *audit.Snapshot) { s.Brokers[0].State = audit.Unwatched }, Impaired, KindBroker,
			"Every decided record is in the log, but broker 1 (kafka-1:9092) leads no partition of the " +
				"heartbeat topic, and is not watched."},
		"stuck": {func(s *audit.Snapshot) { s.Report.Rows[0].Waiting = 1 }, Impaired, KindStuck,
			"Records are open that should be decided by now."},
		"skipped": {func(s *audit.Snapshot) { s.Report.Rows[0].Skipped = 1 }, Impaired, KindUnchecked,
			"Delivered records were not read: retention had deleted them, or reading began behind them."},
		"elsewhere": {func(s *audit.Snapshot) { s.Report.Rows[0].Elsewhere = 1 }, Impaired, KindUnchecked,
			"Records are in another cluster than the one that is read."},
		"nothing": {func(s *audit.Snapshot) { s.Report.Rows = nil }, Impaired, KindNothing,
			"No audited record was stated yet."},
		"only seen": {func(s *audit.Snapshot) {
			s.Report.Rows = []audit.Row{{Topic: "orders", Live: true,
				Counts: audit.Counts{Seen: 5, Unclaimed: 5}}}
		}, Impaired, KindNothing, "No audited record was stated yet."},
		"missing": {func(s *audit.Snapshot) {
			s.Unmet = []audit.Need{{Topic: "plays", For: "records to read", Wrong: "does not exist"}}
		}, Impaired, KindMissing,
			"Every decided record is in the log, but topic \"plays\" (records to read) does not exist."},
		"late": {func(s *audit.Snapshot) { s.Loads[0].Late = time.Minute }, Impaired, KindLoad,
			"Every decided record is in the log, but the load of topic orders is behind its rate."},
		"only sends": {func(s *audit.Snapshot) { s.Report = nil }, Well, "",
			"This instance sends, and does not read: other instances have the verdict."},
	} {
		r := health(t, change(test.change))
		require.Equal(t, test.status, r.Status, name)
		require.Equal(t, test.summary, r.Summary, name)
		if test.kind != "" {
			require.Len(t, r.Problems, 1, name)
			require.Equal(t, test.kind, r.Problems[0].Kind, name)
		}
	}
}

// A single record of two million is not rounded away.
func TestHealth_IsNotCompleteWhereOneRecordIsLost(t *testing.T) {
	r := health(t, change(func(s *audit.Snapshot) {
		s.Report.Rows[0].Lost, s.Report.Rows[0].Seen = 1, 1_999_999
		s.Report.Rows[0].Examples = []uint64{77}
		s.Brokers[0].State = audit.Dead
	}))
	require.Equal(t, "99.9999 %", r.Complete)
	require.Equal(t, []uint64{77}, r.Problems[0].Examples)
	require.Equal(t, KindBroker, r.Problems[1].Kind, "what is faulty comes first")
}

func TestHealth_ListsAFewOfManyProblems(t *testing.T) {
	r := health(t, change(func(s *audit.Snapshot) {
		for range 70 {
			s.Report.Rows = append(s.Report.Rows, audit.Row{Topic: "t", Counts: audit.Counts{Lost: 1}})
		}
	}))
	require.Len(t, r.Problems, problemsMax)
	require.Equal(t, 20, r.LeftOut)
}

func TestReady_UntilTheInstanceEnds(t *testing.T) {
	require.Equal(t, 200, get(of(well()), "/readyz").Code)
	ending := of(change(func(s *audit.Snapshot) { s.Ending = true }))
	require.Equal(t, 503, get(ending, "/readyz").Code)
	require.Equal(t, 200, get(ending, "/livez").Code)
}

func TestWatch_LooksOnceASecondHoweverManyAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks, ahead := 0, time.Duration(0)
		w := New(func() audit.Snapshot {
			looks++
			s := well()
			s.At = time.Now().Add(ahead)
			return s
		})
		ask := func() {
			var all sync.WaitGroup
			for range 10 {
				all.Go(func() {
					get(w, "/data")
					get(w, "/health")
					w.Read()
				})
			}
			all.Wait()
		}
		ask()
		require.Equal(t, 1, looks)
		time.Sleep(fresh)
		ahead = time.Hour // and then the clock is set back
		get(w, "/data")
		require.Equal(t, 2, looks)
		ahead = 0
		ask()
		require.Equal(t, 3, looks)
	})
}

func TestWatch_LinksToOtherPagesOfTheProgram(t *testing.T) {
	w := New(well, WithLink("producer/", "The producer"))
	require.JSONEq(t, `[{"address":"producer/","text":"The producer"}]`, get(w, "/links").Body.String())
}

// The page has two hours of buckets and one of minutes, whatever there is.
func TestData_IsBounded(t *testing.T) {
	s := change(func(s *audit.Snapshot) {
		newest := s.Report.Rows[0].Bucket + 1
		for i := range 300 {
			s.Report.Rows = append(s.Report.Rows, audit.Row{Topic: "t" + strings.Repeat("x", i),
				Bucket: newest - audit.Bucket(i), Counts: counts(1)})
			s.Report.Sources = append(s.Report.Sources, audit.Presence{Name: "s", Ended: true})
		}
		s.Report.Sources[299].Ended, s.Report.Sources[299].Silent = false, true
		s.Report.Rows[9].Lost = 1
		s.Brokers[0].Past[0].Start = noon.Truncate(time.Minute).Add(-59 * time.Minute)
		s.Brokers[0].Past = append(s.Brokers[0].Past, audit.BrokerMinute{Start: noon.Add(-2 * time.Hour)},
			audit.BrokerMinute{Start: noon.Add(2 * time.Hour)}) // clocks that were set
	})
	w := of(s)
	d := w.look().data()
	require.Len(t, d.Buckets, bucketsShown)
	require.Equal(t, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli(), d.Buckets[bucketsShown-1])
	require.Len(t, d.Topics, topicsShown)
	require.Equal(t, 302-topicsShown, d.TopicsLeftOut)
	require.Equal(t, "txxxxxx", d.Topics[0].Topic, "with faults first")
	require.Equal(t, "orders", d.Topics[1].Topic)
	require.Len(t, d.Topics[1].Cells, bucketsShown)
	require.Equal(t, "100.0000 %", d.Topics[1].Cells[bucketsShown-2].Complete)
	require.Equal(t, "none", d.Topics[1].Cells[0].Status)
	require.Len(t, d.Who, whoShown)
	require.Equal(t, 303-whoShown, d.WhoLeftOut)
	require.Equal(t, "silent", d.Who[0].State)
	require.Len(t, d.Minutes, minutesShown)
	require.Equal(t, "well", d.Brokers[0].Past[0].State)
	require.Equal(t, "one", d.Topics[1].Clocks)
	require.True(t, json.Valid(get(w, "/data").Body.Bytes()))
}

// An instance that does not read, or has nothing yet, has a page, too.
func TestData_TakesWhatIsEmpty(t *testing.T) {
	for _, s := range []audit.Snapshot{{}, {Report: new(audit.Report)}} {
		w := of(s)
		text := get(w, "/data").Body.String()
		require.NotContains(t, strings.ReplaceAll(text, `"Reasons":null`, ""), "null")
		require.Equal(t, 200, get(w, "/health").Code)
		w.Read()
	}
}
