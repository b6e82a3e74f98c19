package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/producer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const span = 300 * time.Millisecond

// screen is where a story is written. It is safe for concurrent use.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestStory_AnswersThroughOutagesAndBalances(t *testing.T) {
	out := new(screen)
	require.NoError(t, story(t.Context(), out, "",
		pace{warm: span, there: span, away: span, settle: span, rounds: 2}))
	t.Log(out)
	require.Equal(t, 2, strings.Count(out.String(), "The network to Kafka is cut."))
	require.Contains(t, out.String(), "the books balance")
	require.Regexp(t, `(?m)^  requests +\d+ +\d+$`, out.String())
	require.NotRegexp(t, `(?m)[ \t]$`, strings.ReplaceAll(out.String(), "# ", ""))
}

// With an address it serves until it is interrupted, here in an outage, and still delivers
// everything.
func TestStory_ServesItsPageAndMetricsUntilInterrupted(t *testing.T) {
	out := new(screen)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	ended := make(chan error, 1)
	go func() {
		ended <- story(ctx, out, "127.0.0.1:0", pace{warm: span, there: span, away: time.Hour})
	}()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "is cut") },
		time.Minute, 10*time.Millisecond)
	url := regexp.MustCompile(`http://[0-9.:]+`).FindString(out.String())
	for path, want := range map[string]string{
		"/metrics": "forebay_", "/forebay/": "<!doctype html>", "/forebay/health": "{",
		"/forebay/livez": "ok", "/titles/7": "7",
	} {
		answer, err := http.Get(url + path)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode, path)
		require.Contains(t, string(body), want, path)
	}
	http.DefaultClient.CloseIdleConnections()
	interrupt()
	require.NoError(t, <-ended)
	require.Contains(t, out.String(), "the books balance")
}

func TestAccount_SaysWhatIsWrong(t *testing.T) {
	for name, x := range map[string]struct {
		spoil func(a *account, s *producer.Stats, log *[]*kgo.Record)
		want  string
	}{
		"nothing": {func(*account, *producer.Stats, *[]*kgo.Record) {}, ""},
		"a delivered event is not there": {func(_ *account, _ *producer.Stats, log *[]*kgo.Record) {
			*log = (*log)[:1]
		},
			"1 events were delivered and are not in Kafka"},
		"one is there twice": {func(_ *account, _ *producer.Stats, log *[]*kgo.Record) {
			*log = append(*log, (*log)[0])
		},
			"1 events are in Kafka more than once and were not counted as maybe duplicated"},
		"a lost one is there": {func(_ *account, _ *producer.Stats, log *[]*kgo.Record) {
			*log = append(*log, &kgo.Record{Value: []byte(`{"number": 2}`)})
		}, "1 events were lost and are in Kafka all the same"},
		"another is there": {func(_ *account, _ *producer.Stats, log *[]*kgo.Record) {
			*log = append(*log, &kgo.Record{Value: []byte(`{"number": 9}`)})
		}, `in Kafka, and never sent: "{\"number\": 9}"`},
		"no report came": {func(a *account, _ *producer.Stats, _ *[]*kgo.Record) {
			a.fates[2].told = 0
		}, "1 events have not one outcome"},
		"the books do not balance": {func(_ *account, s *producer.Stats, _ *[]*kgo.Record) {
			s.Total.Pending = 1
		}, "the books do not balance"},
	} {
		t.Run(name, func(t *testing.T) {
			a := new(account)
			for number := range uint64(4) {
				require.Equal(t, number, a.open())
			}
			for tag, outcome := range []producer.Outcome{producer.Delivered, producer.Delivered,
				producer.Shed} {
				a.sent(uint64(tag), nil)
				a.report(producer.Report{Tag: uint64(tag), Outcome: outcome})
			}
			a.sent(3, producer.ErrBufferFull)
			stats := producer.Stats{Total: producer.Books{Accepted: 3, Delivered: 2, Shed: 1,
				Refused: 1}}
			log := []*kgo.Record{{Value: []byte(`{"number": 0}`)}, {Value: []byte(`{"number": 1}`)}}
			x.spoil(a, &stats, &log)
			err := a.check(&stats, log)
			if x.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, x.want)
			}
		})
	}
}

func TestWithin_IsTheLeastThatSoManyTookAtMost(t *testing.T) {
	var took []time.Duration
	for i := range 1000 {
		took = append(took, time.Duration(i+1)*time.Millisecond)
	}
	require.Equal(t, "500 ms", within(took, 0.5))
	require.Equal(t, "990 ms", within(took, 0.99))
	require.Equal(t, "999 ms", within(took, 0.999))
	require.Equal(t, "1.0 s", within(took, 1))
	require.Equal(t, "1.0 ms", within(took[:1], 0.5))
	require.Equal(t, "-", within(nil, 1))
}
