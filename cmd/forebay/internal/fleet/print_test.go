package fleet

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// printed returns the tables of a plan.
func printed(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, planOf(t, text).Print(&out))
	return out.String()
}

func TestPrint_SaysWhichBrokersAnInstanceUses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{instances: 1, brokers: 1, topics: [{records_per_second: 1}]}",
			"1 instance, 1 broker, linger 10ms, each instance uses all brokers\n"},
		{"{instances: 2k, brokers: 100, topics: [{records_per_second: 1}]}",
			"2,000 instances, 100 brokers, linger 10ms, each instance uses 8 brokers for records " +
				"without keys\n"},
		{"{instances: 2, brokers: 100, topics: [{records_per_second: 1, keyed: true}]}",
			"each instance uses all brokers\n"},
		{"{instances: 2, brokers: 100, topics: [{records_per_second: 1, keyed: true, " +
			"partitions: 3}]}", "each instance uses 3 brokers\n"},
	} {
		require.Contains(t, printed(t, c.text), c.want)
	}
}

func TestPrint_NothingIsSent(t *testing.T) {
	text := printed(t, "{instances: 1, brokers: 1, topics: [{records_per_second: 0}]}")
	require.Contains(t, text, "linger 10ms, no records are sent\n")
	require.Contains(t, text, "  requests/s         0\n")
	require.NotContains(t, text, "NaN")
}

func TestShort_HasThreeDigitsOrSo(t *testing.T) {
	for f, want := range map[float64]string{0: "0", 1e-5: "<0.001", 0.04: "0.04", 0.279: "0.28",
		1.53: "1.5", 8: "8", 9 - 1e-12: "9", 32.7: "33", 217.8: "218", 3000: "3,000"} {
		require.Equal(t, want, Short(f))
	}
}

func TestPrint_ShowsNoProcessorTimesThatWereNotMeasured(t *testing.T) {
	var out bytes.Buffer
	p := Make(parse(t, "{instances: 1, brokers: 1, topics: [{records_per_second: 1}]}"),
		Coefficients{NoProcessor: true, NoReplicas: true})
	require.NoError(t, p.Print(&out))
	require.Contains(t, out.String(), "  processor          not measured: calibrate with --pid\n")
	require.NotContains(t, out.String(), "cores")
	require.NotContains(t, out.String(), "were measured")
}
