package loadtest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestResult_AMissedObjectiveGoesBeforeWhatIsInconclusive(t *testing.T) {
	c := &Config{Objective: &Objective{}}
	for _, row := range []struct {
		want     Verdict
		verdicts []Verdict
	}{
		{Met, []Verdict{Met, Met}},
		{Inconclusive, []Verdict{Met, Inconclusive, Met}},
		{Missed, []Verdict{Missed, Inconclusive, Met}},
		{Inconclusive, nil},
	} {
		r := &Result{Mode: Steps}
		for _, v := range row.verdicts {
			r.Measurements = append(r.Measurements, &Measurement{Verdict: v})
		}
		r.conclude(c)
		require.Equal(t, row.want, r.Verdict)
	}
	r := &Result{Mode: Steps, Measurements: []*Measurement{{}}}
	r.conclude(&Config{})
	require.Empty(t, r.Verdict, "there was nothing to meet")
}

func TestResult_OfASearch(t *testing.T) {
	for _, row := range []struct {
		want  Verdict
		found *Found
	}{
		{Met, &Found{Highest: 5000, Above: 5100, Limit: ByObjective}},
		{Met, &Found{Highest: 5000, Limit: ByTo}},
		{Missed, &Found{Above: 1000, Limit: ByObjective}},
		{Inconclusive, &Found{Highest: 5000, Above: 5100, Limit: BySender}},
		{Inconclusive, nil},
		{"", &Found{Highest: 5000, Limit: ByInterrupted}},
	} {
		r := &Result{Mode: Search, Found: row.found,
			Measurements: []*Measurement{{Verdict: Missed}, {Verdict: Inconclusive}}}
		r.conclude(&Config{Objective: &Objective{}})
		require.Equal(t, row.want, r.Verdict, "%+v", row.found)
	}
}

func TestObjective_DemandsOnlyWhatIsSet(t *testing.T) {
	m := &Measurement{Sent: 1000, Ack: Latency{P50: 10, P90: 20, P99: 30, P999: 40}}
	verdict, why := (&Objective{P50: 10 * time.Millisecond, P999: time.Second}).judge(m)
	require.Equal(t, Met, verdict)
	require.Empty(t, why)
	verdict, why = (&Objective{P50: 9 * time.Millisecond, P90: 20 * time.Millisecond,
		P99: 20 * time.Millisecond}).judge(m)
	require.Equal(t, Missed, verdict)
	require.Equal(t, []string{"p50 10ms > 9ms", "p99 30ms > 20ms"}, why)
}

func TestObjective_WhatIsMissedGoesBeforeASenderThatIsLate(t *testing.T) {
	m := &Measurement{Sent: 1000, Ack: Latency{P50: 10, P99: 90}, SenderLate: Latency{P50: 8, P99: 1}}
	verdict, why := (&Objective{P50: 5 * time.Millisecond, P99: 20 * time.Millisecond}).judge(m)
	require.Equal(t, Missed, verdict)
	require.Equal(t, []string{"p99 90ms > 20ms"}, why)
	m = &Measurement{Sent: 1000, Failed: 10, Ack: Latency{P50: 10}, SenderLate: Latency{P50: 8}}
	verdict, why = (&Objective{P50: 5 * time.Millisecond}).judge(m)
	require.Equal(t, Missed, verdict)
	require.Equal(t, []string{"loss 0.01 > 0"}, why)
	m.Failed, m.Problems = 0, nil
	verdict, _ = (&Objective{P50: 5 * time.Millisecond}).judge(m)
	require.Equal(t, Inconclusive, verdict)
}

func TestLatency_OfNothingIsNotZero(t *testing.T) {
	l := newHistogram().latency()
	text, err := json.Marshal(l)
	require.NoError(t, err)
	require.JSONEq(t, `{"count":0,"p50":null,"p90":null,"p99":null,"p99_9":null,"max":null}`, string(text))
	require.Equal(t, "-", l.P50.String())
	m := &Measurement{Sent: 10, Failed: 10, Ack: l, SenderLate: l}
	require.Nil(t, over([]*Measurement{m}, ackP50), "it is no median")
	verdict, why := (&Objective{P50: time.Second}).judge(m)
	require.Equal(t, Missed, verdict)
	require.Equal(t, []string{"loss 1 > 0"}, why)
}

func TestHistogram_KeepsThreeDigits(t *testing.T) {
	h := newHistogram()
	for i := range 100_000 {
		h.record(time.Duration(i+1) * 10 * time.Microsecond)
	}
	l := h.latency()
	require.EqualValues(t, 100_000, l.Count)
	for want, got := range map[float64]Millis{500: l.P50, 900: l.P90, 990: l.P99, 999: l.P999, 1000: l.Max} {
		require.InEpsilon(t, want, float64(got), 0.001)
	}
	h.record(-time.Second)
	h.record(1000 * time.Hour)
	require.InEpsilon(t, 3.6e6, float64(h.latency().Max), 0.001)
	require.EqualValues(t, 100_002, h.latency().Count, "nothing is left out")
}
