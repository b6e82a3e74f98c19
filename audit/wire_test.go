package audit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/forebay-go/forebay/delivery"
)

func TestHeader_IsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Header{Instance: InstanceID(rapid.Uint64().Draw(t, "instance")),
			Run: rapid.Uint64().Draw(t, "run"), Sequence: rapid.Uint64Range(0, sequences-1).Draw(t, "sequence"),
			Bucket:   Bucket(rapid.Uint32().Draw(t, "bucket")),
			Intended: time.Unix(0, rapid.Int64().Draw(t, "intended")), Ordered: rapid.Bool().Draw(t, "ordered")}
		b := h.AppendTo([]byte("before"))
		require.Len(t, b, len("before")+HeaderBytes)
		read, err := ParseHeader(append(b[len("before"):], "a later version may add to it"...))
		require.NoError(t, err)
		require.Equal(t, h, read)
	})
}

func TestHeader_SaysWhatIsWrong(t *testing.T) {
	good := (&Header{}).AppendTo(nil)
	large := (&Header{Sequence: sequences}).AppendTo(nil)
	for text, b := range map[string][]byte{
		"it is empty": nil, "its version is 9, not 1": {9}, "it has 37 bytes, not 38": good[:37],
		"sequence 4611686018427387904 is out of range": large,
	} {
		_, err := ParseHeader(b)
		require.ErrorIs(t, err, errHeader)
		require.ErrorContains(t, err, text)
	}
}

// FuzzLedger_SurvivesAnyStatement adds what anybody may write to the statement topic.
func FuzzLedger_SurvivesAnyStatement(f *testing.F) {
	c := claim{instance: "a", run: 1, topic: "t", bucket: 5, first: 3, next: 30, final: true, runs: []run{
		{first: 3, n: 5, partition: 2, offset: 100}, {first: 9, n: 1, offset: noOffset},
		{first: 8, n: 1, fate: fate{kind: fateShed, reason: delivery.Closed}},
		{first: 10, n: 20, fate: fate{kind: fatePossible, again: true, reason: delivery.Unanswered}}}}
	s := sight{reader: "r", topic: "t", partition: 2, from: 90, upto: 120, skipped: []span{{90, 95}},
		bare: 1, garbled: 2, streams: []origin{{IDOf("a"), 1}}, runs: []sighting{{0, 5, 3, 5, 100},
			{0, 5, 3, 1, 110}}, swaps: []sighting{{0, 5, 3, 1, 110}}}
	l := life{instance: "a", run: 1, interval: time.Second, ended: true, unstated: 3}
	p := pulse{reader: "r", interval: time.Second, positions: []position{{"t", 2, 3, 120, 120}}}
	for _, seed := range [][]byte{c.encode(), s.encode(), l.encode(), p.encode(), {}, {1}, {2, 'c'}, {1, 'x'}} {
		f.Add(seed)
		if len(seed) > 3 {
			f.Add(seed[:len(seed)-3])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ledger := NewLedger()
		now := time.Now()
		err := ledger.Add(b, now)
		require.NoError(t, ledger.Add(c.encode(), now))
		require.NoError(t, ledger.Add(s.encode(), now))
		before := ledger.Report(now)
		again := ledger.Add(b, now)
		require.Equal(t, err == nil, again == nil)
		ledger.Judge(now, true)
		after := ledger.Report(now)
		if err == nil {
			require.Equal(t, before.Total.Seen, after.Total.Seen, "a statement that comes twice")
		} else {
			require.ErrorIs(t, err, errStatement)
			require.Equal(t, uint64(2), after.Wrong)
		}
	})
}

func TestStatements_AreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := claim{instance: rapid.String().Draw(t, "instance"), run: rapid.Uint64().Draw(t, "run"),
			topic: "t", bucket: Bucket(rapid.Uint32().Draw(t, "bucket")), part: rapid.Uint32().Draw(t, "part"),
			first: rapid.Uint64Range(0, sequences-1).Draw(t, "first"), final: rapid.Bool().Draw(t, "final"),
			runs: []run{}}
		c.next = c.first + 1_000_000
		for range rapid.IntRange(0, 5).Draw(t, "runs") {
			r := run{first: c.first + rapid.Uint64Range(0, 999_000).Draw(t, "sequence"),
				n: rapid.Uint64Range(1, 1000).Draw(t, "n"), offset: noOffset,
				fate: fate{kind: fateKind(rapid.IntRange(0, int(fateKinds)-1).Draw(t, "kind")),
					again: rapid.Bool().Draw(t, "again")}}
			if r.fate.kind == fateDelivered {
				r.partition = rapid.Int32Range(0, 1<<30).Draw(t, "partition")
				r.offset = rapid.Int64Range(noOffset, 1<<60).Draw(t, "offset")
			} else {
				r.fate.reason = delivery.Reason(rapid.IntRange(0, 11).Draw(t, "reason"))
			}
			c.runs = append(c.runs, r)
		}
		d, kind, err := decode(c.encode())
		require.NoError(t, err)
		require.Equal(t, kindClaim, kind)
		read, err := decodeClaim(d)
		require.NoError(t, err)
		require.Equal(t, &c, read)
	})
}

// What a statement of a later version says at its end is not read.
func TestStatements_MayGrow(t *testing.T) {
	l := life{instance: "a", run: 1, started: time.Unix(5, 0), interval: time.Second, unstated: 3}
	d, _, err := decode(append(l.encode(), "more"...))
	require.NoError(t, err)
	read, err := decodeLife(d)
	require.NoError(t, err)
	require.Equal(t, &l, read)
}
