package fleet

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireFinite fails if a figure of a plan is not a number that can be printed.
func requireFinite(t *testing.T, p *Plan) {
	t.Helper()
	_, err := json.Marshal(p) // it refuses what is infinite or not a number
	require.NoError(t, err)
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		switch v.Kind() {
		case reflect.Float64:
			f := v.Float()
			require.False(t, math.IsNaN(f) || math.IsInf(f, 0), path)
			require.True(t, f >= 0 || path == "Plan.Outage.DrainSeconds", "%s: %v", path, f)
		case reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
		case reflect.Slice:
			for i := range v.Len() {
				walk(v.Index(i), path)
			}
		}
	}
	walk(reflect.ValueOf(*p), "Plan")
	require.NoError(t, p.Print(new(bytes.Buffer)))
}
