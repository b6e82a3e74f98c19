package fleet

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The figures of this build: they are complete, and the model agrees with them.
func TestMeasured_AgreesWithItsLoads(t *testing.T) {
	c := Measured()
	require.NoError(t, c.check())
	require.False(t, c.NoProcessor)
	require.False(t, c.NoReplicas)
	require.NotEmpty(t, c.Machine)
	require.NotEmpty(t, c.Kafka)
	require.False(t, c.Measured.IsZero())
	require.GreaterOrEqual(t, len(c.Points), 15)
	for i := range c.Points {
		p := &c.Points[i]
		predicted, err := Predict(p, c.Brokers, c.Partitions, c.Late)
		require.NoError(t, err)
		require.InEpsilon(t, p.Requests, predicted, 0.1, "%+v", p)
		require.InEpsilon(t, p.Predicted, predicted, 0.02, "%+v", p)
		require.InEpsilon(t, p.Cores, c.Fitted(p), 0.35, "%+v", p)
	}
	again, err := Fit(c.Brokers, c.Points)
	require.NoError(t, err)
	require.InEpsilon(t, c.PerRequest, again.PerRequest, 1e-6)
}

func TestReadCoefficients_SaysWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.json")
	_, err := ReadCoefficients(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	for _, c := range []struct{ text, want string }{
		{"instances: 1", `not a coefficients file: invalid character 'i' looking for beginning of ` +
			`value: write one with "forebay plan calibrate"`},
		{"", "not a coefficients file: it is empty: write one with"},
		{"{}", "not a coefficients file: cpu_seconds_per_request is missing: write one with"},
		{"null", "not a coefficients file: cpu_seconds_per_request is missing: write one with"},
		{complete("", 0) + "{}", "something follows the coefficients"},
		{`{"instances": 20}`, `unknown field "instances"`}, // of a plan
		{complete("", 0), `no coefficient is set: write the file with "forebay plan calibrate"`},
		{complete("cpu_seconds_per_request", -1),
			`cpu_seconds_per_request: -1: write a number from 0 to 1`},
		{complete("cores_base", 1e9), `cores_base: 1e+09: write a number from 0 to 100`},
	} {
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		_, err := ReadCoefficients(path)
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, path)
	}
	require.NoError(t, os.WriteFile(path, measured, 0o600))
	c, err := ReadCoefficients(path)
	require.NoError(t, err)
	require.Equal(t, Measured(), c)
}

// complete returns a coefficients file in which all are zero but one.
func complete(name string, value float64) string {
	there := map[string]any{"cpu_seconds_per_request": 0, "cpu_seconds_per_batch": 0,
		"cpu_seconds_per_fetch": 0, "cpu_seconds_per_megabyte": 0, "cores_per_connection": 0,
		"cores_base": 0, "seconds_late": 0, "measured": time.Time{}, "machine": "", "kafka": "",
		"brokers": 3, "partitions": 36}
	if name != "" {
		there[name] = value
	}
	text, err := json.Marshal(there)
	if err != nil {
		panic(err) // it has nothing that JSON does not
	}
	return string(text)
}
