// Package health_test sees packages health and config together, which are of different modules.
package health_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/health"
	"github.com/forebay-go/forebay/producer"
)

func TestHandler_ShowsTheSettingsAsConfigListsThemAndNoSecret(t *testing.T) {
	const secret = "correct-horse-battery"
	p, err := producer.New(producer.Config{Clusters: map[string]producer.ClusterConfig{"main": {
		Brokers: []string{"127.0.0.1:1"},
		SASL:    producer.SASLConfig{Mechanism: "scram-sha-256", User: "svc", Password: secret},
	}}})
	require.NoError(t, err)
	defer func() { _, _ = p.Close(t.Context()) }()
	w := httptest.NewRecorder()
	health.New(p, health.WithSettings(config.Fields)).ServeHTTP(w,
		httptest.NewRequest(http.MethodGet, "/settings", nil))
	require.Contains(t, w.Body.String(),
		`{"field":"clusters.main.sasl.password","value":"(secret)"}`)
	require.NotContains(t, w.Body.String(), secret)
}
