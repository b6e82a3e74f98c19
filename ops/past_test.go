package ops

import (
	"fmt"
	"iter"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// filling is a producer that began an hour ago. For the last ten minutes its cluster has been away,
// and its memory fills.
type filling struct{ began time.Time }

const (
	away    = 50 * time.Minute // after its beginning
	inRate  = 1000             // records a second
	inBytes = 60 << 10         // a second
	maxHeld = 64 << 20
)

// at returns what it had counted.
func (f filling) at(now time.Time) producer.Sample {
	age := now.Sub(f.began)
	up := min(age, away)
	s := producer.Sample{
		At: now, Accepted: uint64(inRate * age.Seconds()), Delivered: uint64(inRate * up.Seconds()), HeldBytes: int64(inBytes * (age - up).Seconds()),
		Requests: uint64(10 * up.Seconds()), RequestRecords: uint64(inRate * up.Seconds()),
	}
	s.Medium, s.DeliveryTime.Buckets[2] = s.Accepted, s.Delivered
	return s
}

func (f filling) Samples() (all []producer.Sample) {
	for at := f.began; !at.After(time.Now()); at = at.Add(10 * time.Second) {
		all = append(all, f.at(at))
	}
	return all
}

func (f filling) Stats() producer.Stats {
	now := f.at(time.Now())
	books := producer.Books{Accepted: now.Accepted, Delivered: now.Delivered,
		Pending: now.Accepted - now.Delivered}
	s := producer.Stats{
		MaxBytes: maxHeld, HeldBytes: now.HeldBytes, Total: books, Priorities: map[routing.Priority]producer.Books{routing.Medium: books},
		Lanes: map[routing.Priority]producer.LaneStats{routing.Medium: {Cluster: "main",
			Since: f.began, Oldest: time.Since(f.began) - away}},
		Clusters: map[string]producer.ClusterStats{"main": {State: producer.Down,
			Since: f.began.Add(away), Reason: "connection refused"}},
	}
	s.Requests, s.RequestRecords, s.DeliveryTime = now.Requests, now.RequestRecords, now.DeliveryTime
	return s
}

func (f filling) History() []producer.Event {
	return []producer.Event{
		{At: f.began, Kind: producer.EventCluster, Cluster: "main", State: producer.Up},
		{At: f.began.Add(away), Kind: producer.EventCluster, Cluster: "main", State: producer.Down,
			Reason: "connection refused"},
	}
}

func (f filling) Current() iter.Seq[producer.Event] { return slices.Values(f.History()) }

func (f filling) Config() producer.Config {
	return producer.Config{Clusters: map[string]producer.ClusterConfig{"main": {Brokers: []string{"a:1"}}}}
}

func TestPage_ShowsWhatWasBeforeItWasOpenedAndWhenTheMemoryIsFull(t *testing.T) {
	b := newBrowser(t)
	server := httptest.NewServer(health.New(filling{time.Now().Add(-time.Hour)}))
	defer server.Close()
	b.size(1280, 960)
	b.do(chromedp.Navigate(server.URL))
	b.says("#summary", "cluster main is down")

	// 64 MiB less 60 KiB/s in ten minutes are left: 28.8 MiB, or eight minutes.
	b.says("#held-of", "of 64 MiB, full in about 8 min")
	b.await(`Math.abs(Number(document.querySelector('#in').textContent.replace(',', '')) - 1000) < 50`)
	drawn := func(span string, least int) {
		b.do(chromedp.Click(chromedp.CSS("#span input[value='" + span + "']")))
		b.await(fmt.Sprintf(`document.querySelector('path.in').getAttribute('d').split('L').length >= %d`, least))
	}
	drawn("300", 90)
	drawn("3600", 90)
	b.await(`/^Records per second: [\d,.]+ now, [\d,.]+ to [\d,.]+ in/.test(document.querySelector('#rates').getAttribute('aria-label'))`)
	require.Greater(t, strings.Count(eval[string](b,
		`document.querySelector('path.p99').getAttribute('d')`), "L"), 70, "fifty minutes of it")
	b.view("filling")
	b.size(390, 844)
	b.fits()
	b.view("filling-phone")
	b.clean(server.URL)
}
