package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/forebay-go/forebay/cmd/forebay/internal/loadtest"
)

// loading writes a file for audit load.
func loading(t *testing.T, addr, section string) string {
	return settingsFile(t, fmt.Sprintf("clusters: {kafka: {brokers: [%q]}}\nbatching: {linger: 1ms}\n"+
		"audit:\n  load:\n    topic: lines\n    warm_up: 20ms\n    duration: 300ms\n%s", addr, section))
}

// measured runs forebay audit load, on a machine that may be too busy for its sender.
func measured(t *testing.T, args ...string) (out, stderr string) {
	t.Helper()
	var o, e bytes.Buffer
	code := run(t.Context(), append([]string{"audit", "load"}, args...), nil, &o, &e)
	require.Contains(t, []int{0, exitInconclusive}, code, "%s\n%s", &o, &e)
	return o.String(), e.String()
}

// conclusive runs forebay audit load until a machine that was too busy for its sender is not the result. A
// measurement that says so is repeated, as its users do.
func conclusive(t *testing.T, code int, args ...string) (out, stderr string) {
	t.Helper()
	for range 20 {
		var o, e bytes.Buffer
		got := run(t.Context(), append([]string{"audit", "load"}, args...), nil, &o, &e)
		if got != exitInconclusive {
			require.Equal(t, code, got, "%s\n%s", &o, &e)
			return o.String(), e.String()
		}
		t.Logf("inconclusive: %s\n%s", &o, &e)
	}
	require.Fail(t, "the sender is always too slow")
	return "", ""
}

func TestAuditLoad_StepsShowEachRate(t *testing.T) {
	t.Parallel()
	broker := newFake(t)
	file := loading(t, broker.addr, "    ramp: {from: 200, to: 400, step: 200}\n    keys: 5\n")
	out, said := conclusive(t, 0, file)
	require.Contains(t, said, "mode steps, topic lines: takes about 1s\n200/s: sent ")
	require.Contains(t, said, "\n400/s: sent ")
	require.Contains(t, out, "\nmeasured\n")

	out, _ = conclusive(t, 0, "--rates", "300", "--bytes", "1000", "--json", "--objective", "p50=1h", file)
	var result loadtest.Result
	require.NoError(t, json.Unmarshal([]byte(out), &result))
	require.Equal(t, loadtest.Met, result.Verdict)
	require.Len(t, result.Measurements, 1)
	m := result.Measurements[0]
	require.EqualValues(t, 90, m.Sent)
	require.EqualValues(t, 90, m.Delivered)
	require.EqualValues(t, 90, m.Ack.Count)
	require.Positive(t, m.Ack.P50)
	require.InDelta(t, m.DeliveredRate*1005/1e6, m.MegabytesRate, 1e-9, "keys and values")
	require.Nil(t, m.BrokerCPU)
	require.Contains(t, result.NoBrokerCPU, "it is this process")
	require.Contains(t, out, `"broker_cpu_processors": null`)
}

func TestAuditLoad_AMissedObjectiveHasItsCode(t *testing.T) {
	t.Parallel()
	out, _ := conclusive(t, exitMissed, "--rates", "200", "--objective", "p50=1ns",
		loading(t, newFake(t).addr, ""))
	require.Contains(t, out, "\nmissed\n")
	out, said := conclusive(t, exitMissed, "--mode", "search", "--objective", "p50=1ns",
		loading(t, newFake(t).addr, "    search: {from: 200, to: 400}\n"))
	require.Contains(t, said, "; missed: p50 ")
	require.Contains(t, out, "no rate that meets the objective was found; 200/s misses it: write a lower "+
		"search.from (2 measurements)")
}

func TestAuditLoad_SearchEndsAtTheHighestRateThatIsAllowed(t *testing.T) {
	t.Parallel()
	out, _ := conclusive(t, 0, "--mode", "search", loading(t, newFake(t).addr,
		"    objective: {p99: 1h}\n    search: {from: 200, to: 400, confirm: 1}\n"))
	require.Contains(t, out, "highest rate that meets the objective: 400 records/s; search.to allows no "+
		"higher one (2 measurements)")
}

func TestAuditLoad_ConsumersFillTheTopicAndCompareThePhases(t *testing.T) {
	t.Parallel()
	broker := newFake(t)
	file := loading(t, broker.addr, "    mode: consumers\n    records_per_second: [300]\n"+
		"    readers: 2\n    old_records: 1000\n")
	out, said := measured(t, "--json", file)
	require.Contains(t, said, "topic lines has 0 records: sending 1000 more for readers from the beginning")
	require.Contains(t, said, "round 3, produce only again, 300/s: sent ")
	var result loadtest.Result
	require.NoError(t, json.Unmarshal([]byte(out), &result))
	require.Len(t, result.Measurements, 12)
	requireReaders(t, &result)
	require.Len(t, result.Impacts, 4)
	require.Nil(t, result.Impacts[0].Changes)
	require.NotNil(t, result.Impacts[2].Changes.AckP50)
	require.Nil(t, result.Impacts[2].BrokerCPU)

	out, _ = measured(t, file)
	require.Contains(t, out, "records for readers from the beginning\n", "it has enough now")
	require.Contains(t, out, "not at hand: broker 0")
	require.Contains(t, out, "medians of 3 rounds (least to most)")
}

// requireReaders says what the readers of each phase must have done.
func requireReaders(t *testing.T, result *loadtest.Result) {
	t.Helper()
	passes, read, delivered := uint64(0), 0.0, 0.0
	for _, m := range result.Measurements {
		r := m.Readers
		switch m.Name {
		case loadtest.Tailing:
			require.Equal(t, 2, r.Readers)
			require.EqualValues(t, 2*m.Delivered, r.EndToEnd.Count, "each reader gets each record")
			require.Positive(t, r.FetchRate)
			require.NotNil(t, r.Lag)
		case loadtest.Beginning:
			require.Nil(t, r.EndToEnd)
			passes, read, delivered = passes+r.Passes, read+r.RecordsRate, delivered+m.DeliveredRate
		default:
			require.Nil(t, r)
		}
	}
	require.Positive(t, passes, "readers do not stay at the end")
	require.Greater(t, read, 2*delivered, "they read old records")
}

func TestAuditLoad_ALongerWaitNeedsFewerFetches(t *testing.T) {
	t.Parallel()
	out, _ := measured(t, "--json", loading(t, newFake(t).addr, "    mode: fetch_wait\n"+
		"    records_per_second: [300]\n    readers: 1\n    fetch_wait: {values: [10ms, 300ms]}\n"))
	var result loadtest.Result
	require.NoError(t, json.Unmarshal([]byte(out), &result))
	require.Len(t, result.Measurements, 6)
	for _, m := range result.Measurements {
		require.EqualValues(t, m.Delivered, m.Readers.EndToEnd.Count, "also what came after the end")
	}
	require.Equal(t, "10ms", result.Waits[0].Value)
	require.Equal(t, "300ms", result.Waits[1].Value)
	require.Greater(t, result.Waits[0].Fetches.Median, result.Waits[1].Fetches.Median)
	require.Less(t, result.Waits[0].EndToEnd50.Least, result.Waits[1].EndToEnd50.Most)
}

func TestAuditLoad_KafkaThatIsAwayIsInconclusive(t *testing.T) {
	t.Parallel()
	out, said := forebay(t, exitInconclusive, "audit", "load", "--rates", "100",
		loading(t, fmt.Sprintf("127.0.0.1:%d", freePort(t)), ""))
	require.NotContains(t, said, "/s: sent ")
	require.Contains(t, out, "inconclusive: Kafka does not answer: cluster kafka: ")
}

func TestAuditLoad_ATopicThatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	_, said := forebay(t, exitFailed, "audit", "load", "--rates", "100", "--topic", "absent",
		loading(t, newFake(t).addr, ""))
	require.Contains(t, said, "forebay: cluster kafka: topic absent: ")
}

func TestAuditLoad_SaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	for text, section := range map[string]string{
		"audit.load.records_per_second: not set: write rates":                     "",
		"audit.load.rounds: 2: write 3 to 1000":                                   "    rounds: 2\n",
		"forebay.yaml:8: audit: pace: unknown setting":                            "    pace: 2\n",
		"forebay.yaml:8: audit: \"fast\": write a time such as 5s or 10m":         "    drain: fast\n",
		"forebay.yaml:8: audit: \"1000\": write a list of numbers, such as [1000": "    records_per_second: 1000\n",
		"forebay.yaml:8: audit: \"x\": write a number":                            "    search: {from: x}\n",
		"audit.cluster: \"west\" is not among the clusters: write kafka":          "    records_per_second: [1]\n  cluster: west\n",
	} {
		_, said := forebay(t, exitFailed, "audit", "load", loading(t, "127.0.0.1:1", section))
		require.Contains(t, said, text)
	}
	for text, args := range map[string][]string{
		`--rates: "many": write numbers, such as 1000,2000`:         {"--rates", "many"},
		`--objective: "p42": write p50, p90, p99, p99_9 or loss`:    {"--objective", "p42=1s"},
		"--objective: p99=5: write a time, such as p99=50ms":        {"--objective", "p99=5"},
		"--objective: p99=0s: write a time, such as p99=50ms":       {"--objective", "p99=0s"},
		"--warm-up: 0: write more, or leave it out":                 {"--warm-up", "0s"},
		"--rounds: 0: write more, or leave it out":                  {"--rounds", "0"},
		"--objective: loss=none: write a share, such as loss=0.001": {"--objective", "loss=none"},
		"2 file names given: name one settings file":                {"other.yaml"},
	} {
		_, said := forebay(t, exitUsage, append([]string{"audit", "load", loading(t, "127.0.0.1:1", "")}, args...)...)
		require.Contains(t, said, text)
	}
}

// full is an output that takes nothing, as a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// A result that cannot be written is no success, and the command line is not to blame.
func TestAudit_AResultThatCannotBeWrittenFails(t *testing.T) {
	t.Parallel()
	addr := newFake(t, kfake.SeedTopics(1, "forebay-audit")).addr
	load := loading(t, addr, "    records_per_second: [100]\n")
	report := auditing(t, []string{addr}, "  role: consume\n  topics: [lines]\n")
	for _, args := range [][]string{{"load", load}, {"load", "--json", load}, {"report", report},
		{"report", "--json", report}} {
		var said bytes.Buffer
		code := run(t.Context(), append([]string{"audit"}, args...), nil, full{}, &said)
		require.Equal(t, exitFailed, code, "%q: %s", args, &said)
		require.Contains(t, said.String(), "forebay: the result cannot be written: no space left on device")
		require.NotContains(t, said.String(), "--help")
	}
}

func TestPrintLoad_NamesThePhasesWhereNoRoundIsWhole(t *testing.T) {
	var out bytes.Buffer
	printLoad(&out, &loadtest.Result{Mode: loadtest.Consumers, Measurements: []*loadtest.Measurement{
		{Name: loadtest.Alone, Round: 1}, {Name: loadtest.Tailing, Round: 1}}})
	require.Regexp(t, `ROUND +OF +RECORDS/S`, out.String())
	require.Regexp(t, `\n +1 +tailing readers +0 `, out.String())
}

// A file has what both need.
func TestAuditLoad_RunTakesTheSameFile(t *testing.T) {
	t.Parallel()
	addr := newFake(t, kfake.SeedTopics(1, "forebay-audit")).addr
	path := auditing(t, []string{addr}, "  role: both\n  interval: 100ms\n  duration: 100ms\n"+
		"  loads: [{topic: lines, records_per_second: 100}]\n"+
		"  load: {topic: lines, records_per_second: [100], warm_up: 20ms, duration: 300ms}")
	conclusive(t, 0, path)
	var out, stderr bytes.Buffer
	require.Equal(t, 0, run(t.Context(), []string{"audit", "run", path}, nil, &out, &stderr), "%s\n%s",
		&out, &stderr)
}

// It is not parallel: the signal reaches every command of the process.
func TestAuditLoad_AnInterruptPrintsWhatWasMeasured(t *testing.T) {
	survive(t)
	// so many that none is the last, whenever this machine finds the time for the signal
	file := loading(t, newFake(t).addr, "    ramp: {from: 100, to: 1000, step: 1}\n")
	var out syncBuffer
	c := &command{code: make(chan int, 1)}
	go func() { c.code <- run(t.Context(), []string{"audit", "load", file}, nil, &out, &c.stderr) }()
	c.requireSays(t, "\n100/s: sent ")
	interrupt(t)
	require.Equal(t, exitInterrupted, c.wait(t))
	require.True(t, strings.HasSuffix(out.String(), "interrupted: there is more to measure\n"), out.String())
	require.Contains(t, out.String(), "RECORDS/S")
}

func TestLoadExit_IsThatOfTheVerdict(t *testing.T) {
	t.Parallel()
	require.NoError(t, loadExit(&loadtest.Result{}))
	require.NoError(t, loadExit(&loadtest.Result{Verdict: loadtest.Met}))
	require.Equal(t, exitError(4), loadExit(&loadtest.Result{Verdict: loadtest.Missed}))
	require.Equal(t, exitError(5), loadExit(&loadtest.Result{Verdict: loadtest.Inconclusive}))
	require.Equal(t, exitError(130), loadExit(&loadtest.Result{Verdict: loadtest.Missed, Interrupted: true}))
}

func TestLoadWords_SayWhatASearchHasFound(t *testing.T) {
	t.Parallel()
	for want, found := range map[string]loadtest.Found{
		"highest rate that meets the objective: 5,000 records/s; 5,100/s misses it (8 measurements)": {
			Highest: 5000, Above: 5100, Limit: loadtest.ByObjective, Measurements: 8},
		"inconclusive: highest rate that meets the objective: 5,000 records/s; measurements at 10,000/s say " +
			"nothing about Kafka (8 measurements)": {
			Highest: 5000, Above: 10_000, Limit: loadtest.BySender, Measurements: 8},
		"highest rate that meets the objective: 5,000 records/s (8 measurements)": {
			Highest: 5000, Limit: loadtest.ByInterrupted, Measurements: 8},
	} {
		require.Equal(t, want, loadWords(&loadtest.Result{Found: &found}))
	}
	require.Equal(t, "inconclusive: Kafka does not answer: x", loadWords(&loadtest.Result{
		Verdict: loadtest.Inconclusive, Why: []string{"Kafka does not answer: x"}}))
}
