package capture

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/producer"
)

// secondly returns a capture of n records, one a second.
func secondly(t *testing.T, n int) *Reader {
	var records []*kgo.Record
	for i := range n {
		records = append(records, &kgo.Record{Topic: "plays", Partition: 7,
			Timestamp: noon.Add(time.Duration(i) * time.Second)})
	}
	r, err := NewReader(bytes.NewReader(written(t, records...)))
	require.NoError(t, err)
	return r
}

func TestPlayer_SendsEachRecordWhenItIsDue(t *testing.T) {
	for _, row := range []struct {
		speed float64
		every time.Duration
	}{{1, time.Second}, {4, 250 * time.Millisecond}, {0.5, 2 * time.Second}, {0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var at []time.Duration
			p := Player{Speed: row.speed, Send: func(context.Context, producer.Record) error {
				at = append(at, time.Since(start))
				return nil
			}}
			require.NoError(t, p.Run(t.Context(), secondly(t, 3)))
			require.Equal(t, []time.Duration{0, row.every, 2 * row.every}, at)
			require.Equal(t, PlayerStats{Read: 3, Sent: 3}, p.Stats())
		})
	}
}

func TestPlayer_IsLateWithoutSlowingDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sent := 0
		p := Player{Speed: 1, Send: func(context.Context, producer.Record) error {
			if sent++; sent == 1 {
				time.Sleep(2500 * time.Millisecond)
			}
			return nil
		}}
		require.NoError(t, p.Run(t.Context(), secondly(t, 4)))
		require.Equal(t, 3*time.Second, time.Since(start))
		s := p.Stats()
		require.Equal(t, 1500*time.Millisecond, s.Latest, "that of the second record")
		require.Zero(t, s.Late)
	})
}

func TestPlayer_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		p := Player{Speed: 1, Send: func(context.Context, producer.Record) error { return nil }}
		require.ErrorIs(t, p.Run(ctx, secondly(t, 9)), context.DeadlineExceeded)
		require.Equal(t, PlayerStats{Read: 2, Sent: 2}, p.Stats())
	})
	ctx, cancel := context.WithCancel(t.Context())
	p := Player{Send: func(ctx context.Context, _ producer.Record) error {
		cancel()
		return ctx.Err()
	}}
	require.ErrorIs(t, p.Run(ctx, secondly(t, 9)), context.Canceled)
	require.Zero(t, p.Stats(), "the record was not sent, and not refused either")
}

func TestPlayer_CountsWhatIsRefusedByReason(t *testing.T) {
	errs := []error{nil, fmt.Errorf("send: %w", producer.ErrBufferFull),
		fmt.Errorf("send more: %w", producer.ErrBufferFull), producer.ErrNoRoute}
	n := 0
	p := Player{Send: func(context.Context, producer.Record) error { n++; return errs[n-1] }}
	require.NoError(t, p.Run(t.Context(), secondly(t, 4)))
	require.Equal(t, PlayerStats{Read: 4, Sent: 1, Refused: map[string]uint64{"buffer full": 2,
		"no cluster for this priority": 1}}, p.Stats())
}

func TestPlayer_MakesTheRecordANewOne(t *testing.T) {
	rec := Record{After: 15 * time.Millisecond, Topic: "plays", Partition: 7, Key: []byte("k"),
		Headers: []producer.Header{{Key: "a", Value: []byte("b")}, {Key: audit.HeaderKey},
			{Key: TimeHeader}}}
	p := Player{}
	got := p.replayed(&rec, noon)
	require.Equal(t, producer.Record{Topic: "plays", Key: []byte("k"), Headers: []producer.Header{
		{Key: "a", Value: []byte("b")},
		{Key: "forebay-replayed-time", Value: []byte("2026-11-30T12:00:00.015Z")}}}, got)

	p = Player{KeepPartitions: true, Rename: map[string]string{"plays": "copy"}}
	got = p.replayed(&rec, noon)
	require.Equal(t, "copy", got.Topic)
	require.Equal(t, producer.ToPartition(7), got.Partition)
}

// A timestamp that is years ahead, or the night between two days, does not stop a replay. The
// records around it keep their times.
func TestPlayer_LeavesOutGapsThatAreTooLong(t *testing.T) {
	const year, night = 365 * 24 * time.Hour, 9 * time.Hour
	after := []time.Duration{0, time.Second, 30 * year, 2 * time.Second, 3 * time.Second,
		night, night + time.Second, 4 * time.Second, 30 * year}
	due := []time.Duration{0, 1, 1, 2, 3, 3, 4, 4, 4}
	var records []*kgo.Record
	for _, d := range after {
		records = append(records, &kgo.Record{Topic: "plays", Timestamp: noon.Add(d)})
	}
	for _, speed := range []float64{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			r, err := NewReader(bytes.NewReader(written(t, records...)))
			require.NoError(t, err)
			start := time.Now()
			var at []time.Duration
			p := Player{Speed: speed, MaxGap: time.Hour, Send: func(context.Context, producer.Record) error {
				at = append(at, time.Since(start))
				return nil
			}}
			require.NoError(t, p.Run(t.Context(), r))
			for i := range due {
				require.Equal(t, time.Duration(float64(due[i]*time.Second)/speed), at[i], "record %d", i)
			}
			require.Equal(t, PlayerStats{Read: 9, Sent: 9, Gaps: 3, Gap: 30*year - time.Second},
				withoutLate(p.Stats()))
		})
	}
	synctest.Test(t, func(t *testing.T) { // without a bound it waits, and says for when
		r, err := NewReader(bytes.NewReader(written(t, records[:3]...)))
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p := Player{Speed: 1, Send: func(context.Context, producer.Record) error { return nil }}
		due := time.Now().Add(30 * year)
		said := make(chan time.Time, 1)
		time.AfterFunc(30*time.Second, func() { said <- p.Stats().Due })
		require.ErrorIs(t, p.Run(ctx, r), context.DeadlineExceeded)
		require.Equal(t, due, <-said)
	})
}

func withoutLate(s PlayerStats) PlayerStats {
	s.Late, s.Latest = 0, 0
	return s
}
