package fleet

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// loads returns points whose processor time is exactly what c has.
func loads(c Coefficients) (points []Point) {
	for i := range 15 {
		f := float64(i)
		p := Point{Requests: 100 + 50*f, Batches: 200 + 100*f + 30*f*f, Megabytes: float64(i % 4),
			Connections: float64(10 * (i % 3)), Producers: 2, Linger: 0.01, Records: 1000,
			Replicas: 1 + i%2}
		p.Fetches = float64(c.Brokers) * Fetches(p.Requests/float64(c.Brokers),
			p.Batches/p.Requests, float64(p.Replicas), c.Brokers)
		p.Cores = c.Fitted(&p)
		points = append(points, p)
	}
	return points
}

func TestFit_FindsWhatTheLoadsWereMadeWith(t *testing.T) {
	c := Coefficients{PerRequest: 2e-4, PerBatch: 3e-5, PerMegabyte: 4e-3, PerConnection: 5e-5,
		Base: 0.06, PerFetch: 7e-4, Brokers: 3}
	got, err := Fit(3, loads(c))
	require.NoError(t, err)
	require.InEpsilon(t, c.PerRequest, got.PerRequest, 1e-6)
	require.InEpsilon(t, c.PerBatch, got.PerBatch, 1e-6)
	require.InEpsilon(t, c.PerFetch, got.PerFetch, 1e-6)
	require.InEpsilon(t, c.PerMegabyte, got.PerMegabyte, 1e-6)
	require.InEpsilon(t, c.PerConnection, got.PerConnection, 1e-6)
	require.InEpsilon(t, c.Base, got.Base, 1e-6, "of each broker")
	require.Len(t, got.Points, 15)
	require.False(t, got.NoReplicas)

	c.Brokers = 1
	one, err := Fit(1, loads(c))
	require.NoError(t, err)
	require.InEpsilon(t, c.PerRequest, one.PerRequest, 1e-6)
	require.Zero(t, one.PerFetch, "nobody follows")
	require.True(t, one.NoReplicas)
}

func TestFit_HasNothingNegative(t *testing.T) {
	got, err := Fit(1, loads(Coefficients{PerRequest: 2e-4, PerBatch: 3e-5, PerMegabyte: -4e-3,
		Base: 0.06, Brokers: 1}))
	require.NoError(t, err)
	require.Zero(t, got.PerMegabyte)
	require.InEpsilon(t, 2e-4, got.PerRequest, 0.5)
}

func TestFit_SaysWhatItCannotTellApart(t *testing.T) {
	points := loads(Coefficients{PerRequest: 1, Brokers: 1})
	_, err := Fit(1, points[:3])
	require.EqualError(t, err, "the loads do not tell requests, batches, bytes and connections "+
		"apart: too few loads")
	for i := range points {
		points[i].Megabytes, points[i].Replicas = points[i].Requests, 1
	}
	_, err = Fit(1, points)
	require.ErrorContains(t, err, "the loads do not tell requests, batches, bytes and")
}

func TestFit_WithoutProcessorTimeHasTheLatenessAlone(t *testing.T) {
	// two producers of 500 records/s, 10 ms and 2 ms late: 2/(2 ms + 12 ms) requests/s
	p := Point{Producers: 2, Linger: 0.01, Records: 1000, Requests: 2 / 0.014}
	keyed, fills := p, p
	keyed.Keyed, keyed.Requests = true, 1
	fills.Megabytes, fills.Requests = 10, 10
	c, err := Fit(1, []Point{p, keyed, fills})
	require.NoError(t, err)
	require.InEpsilon(t, 0.002, c.Late, 1e-6)
	require.True(t, c.NoProcessor)
	require.Zero(t, c.PerRequest)
}

func TestPredict_IsTheModelForOneTopic(t *testing.T) {
	p := Point{Producers: 2, Linger: 0.01, Records: 1000, RecordBytes: 100}
	got, err := Predict(&p, 3, 36, 0.002)
	require.NoError(t, err)
	require.InEpsilon(t, 2/0.014, got, 1e-6)
	p.Keyed = true
	got, err = Predict(&p, 3, 36, 0.002)
	require.NoError(t, err)
	require.InEpsilon(t, 2*3/(0.012+3/500.0), got, 1e-6)
}
