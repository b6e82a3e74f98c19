package sink

import (
	"encoding/json"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/logs"
	"github.com/forebay-go/forebay/logs/internal/logstest"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

func TestSend_CutsALineThatIsTooLarge(t *testing.T) {
	to := &logstest.Limited{Limit: 2000, Beside: 70}
	s, err := New(Settings{Sender: to, Topic: "logs"})
	require.NoError(t, err)
	line, err := json.Marshal(map[string]any{"time": "now", "level": "INFO", "msg": "said",
		"id": int64(12345678901234567), "body": strings.Repeat("<ä\x00", 10_000), "g": map[string]any{"n": 1}})
	require.NoError(t, err)
	s.Send(line, nil, routing.Medium)
	require.Equal(t, logs.Stats{Sent: 1, Truncated: 1, Dropped: map[error]uint64{}}, s.Stats())
	var got struct {
		Time, Level, Msg, Body string
		ID                     json.Number
		G                      map[string]int
		TruncatedBytes         int `json:"truncated_bytes"`
	}
	require.NoError(t, json.Unmarshal(to.Sent[0], &got))
	require.Equal(t, "now INFO said", strings.Join([]string{got.Time, got.Level, got.Msg}, " "))
	require.Equal(t, json.Number("12345678901234567"), got.ID)
	require.Equal(t, map[string]int{"n": 1}, got.G)
	require.Equal(t, len(line), got.TruncatedBytes)
	require.True(t, strings.HasPrefix(got.Body, "<ä\x00<ä"))
	require.True(t, strings.HasSuffix(got.Body, "[...]"))
	require.Greater(t, len(to.Sent[0]), 400, "not more is cut than has to be")
}

func TestSend_DropsALineThatCannotBeCut(t *testing.T) {
	to := &logstest.Limited{Limit: 80, Beside: 70}
	s, err := New(Settings{Sender: to, Topic: "logs"})
	require.NoError(t, err)
	s.Send([]byte(`{"msg":"a message of some length"}`), nil, routing.Medium)
	s.Send(make([]byte, largest+1), nil, routing.Medium)
	require.Empty(t, to.Sent)
	require.Equal(t, logs.Stats{Dropped: map[error]uint64{producer.ErrRecordTooLarge: 2}}, s.Stats())
}

// senderFunc is a sender.
type senderFunc func() error

func (f senderFunc) Send(producer.Record) error { return f() }

// wild is an error whose methods panic.
type wild struct{}

func (wild) Error() string { panic("no text today") }
func (wild) Is(error) bool { panic("no answer today") }

func TestSend_CountsALineWhateverTheSenderDoes(t *testing.T) {
	for name, send := range map[string]senderFunc{
		"panics":                       func() error { panic("no sender today") },
		"exits":                        func() error { runtime.Goexit(); return nil },
		"returns an error that panics": func() error { return wild{} },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(Settings{Sender: send, Topic: "logs"})
			require.NoError(t, err)
			var logger sync.WaitGroup
			logger.Go(func() { s.Send([]byte("{}"), nil, routing.Medium) })
			logger.Wait()
			require.Equal(t, logs.Stats{Dropped: map[error]uint64{logs.ErrRefused: 1}}, s.Stats())
		})
	}
}

func TestShorten_KeepsTheSmallMembersOfManyLargeOnes(t *testing.T) {
	members := map[string]any{"time": "now", "level": "INFO", "msg": strings.Repeat("m", 5000), "id": 1}
	for i := range 1000 {
		members[strings.Repeat("k", 20)+string(rune('A'+i))] = []int{i, i, i}
	}
	line, err := json.Marshal(members)
	require.NoError(t, err)
	short := Shorten(line, 500)
	var got map[string]any
	require.NoError(t, json.Unmarshal(short, &got), "%s", short)
	require.LessOrEqual(t, len(short), 500)
	require.Equal(t, "now", got["time"])
	require.Equal(t, "INFO", got["level"])
	require.Equal(t, 1., got["id"])
	require.Equal(t, strings.Repeat("m", ShortText)+mark, got["msg"])
	require.EqualValues(t, len(line), got[SizeKey])
}

// Whatever a line is, what is left of it fits, and is still JSON if the line was an object.
func TestShorten_Fits(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch kind := rapid.IntRange(0, 4).Draw(t, "kind"); {
			case kind == 0:
				return rapid.Int64().Draw(t, "n")
			case kind == 1 && depth > 0:
				return rapid.MapOfN(rapid.String(), value(depth-1), 0, 5).Draw(t, "object")
			case kind == 2 && depth > 0:
				return rapid.SliceOfN(value(depth-1), 0, 200).Draw(t, "array")
			default:
				return strings.Repeat(rapid.StringN(1, 3, -1).Draw(t, "text"),
					rapid.IntRange(0, 300).Draw(t, "times"))
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		line, err := json.Marshal(rapid.MapOfN(rapid.String(), value(2), 0, 20).Draw(t, "line"))
		require.NoError(t, err)
		limit := rapid.IntRange(-1, len(line)).Draw(t, "limit")
		short := Shorten(line, limit)
		require.LessOrEqual(t, len(short), max(0, limit))
		require.True(t, short == nil || json.Valid(short), "%s", short)
		if limit > 100 {
			require.Contains(t, string(short), SizeKey)
		}
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		short = Shorten(text, limit)
		require.LessOrEqual(t, len(short), max(0, limit))
	})
}

func TestCut_PartsNoCharacter(t *testing.T) {
	for most := range 5 {
		require.True(t, utf8.ValidString(Cut("ääää", most)))
	}
	require.Equal(t, "ä[...]", Cut("ääää", 3))
	require.Equal(t, "ääää", Cut("ääää", 8))
	require.Equal(t, "[...]", Cut("\x80\x80\x80", 2))
}

// A drop during a report is in the next one, and no report is made twice: however they meet, the
// reports add up.
func TestTeller_TellsOfEachDropOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told atomic.Uint64
		var reports atomic.Int64
		refuse := logstest.Refuse(producer.ErrClosed)
		s, err := New(Settings{Sender: refuse, Topic: "logs", Tell: func(d Drops) {
			reports.Add(1)
			told.Add(d.Lines)
			time.Sleep(time.Duration(d.Lines%7) * 10 * time.Second)
		}})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for n := range 500 {
					s.Send(nil, nil, routing.Low)
					time.Sleep(time.Duration(1+(n*i)%5) * time.Second)
				}
			})
		}
		wg.Wait()
		time.Sleep(3 * time.Minute)
		require.EqualValues(t, 2000, told.Load())
		require.LessOrEqual(t, reports.Load(), int64(500*5/60+3))
		require.Greater(t, reports.Load(), int64(10))
	})
}

// A line that is dropped while a report is made, and after which none is dropped, is reported too.
func TestTeller_TellsOfADropDuringAReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []uint64
		refuse := logstest.Refuse(producer.ErrClosed)
		s, err := New(Settings{Sender: refuse, Topic: "logs", Tell: func(d Drops) {
			told = append(told, d.Lines)
			time.Sleep(time.Second)
		}})
		require.NoError(t, err)
		s.Send(nil, nil, routing.Low)
		time.Sleep(time.Second / 2)
		s.Send(nil, nil, routing.Low)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Equal(t, []uint64{1, 1}, told)
	})
}
