package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/forebay-go/forebay/audit"
	"github.com/forebay-go/forebay/audit/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStory_NamesTheBrokerAndTheRecord(t *testing.T) {
	var out bytes.Buffer
	var health watch.Report
	show := func(reader *audit.Agent) {
		w := httptest.NewRecorder()
		watch.New(reader.Snapshot).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &health))
	}
	require.NoError(t, story(t.Context(), &out, 0, show), &out)
	require.Equal(t, "auditor-3", health.Instance)
	require.Contains(t, out.String(), "auditor-3: broker 2 is slow.")
	require.Contains(t, out.String(), "The auditor found the one record that was thrown away")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, story(ctx, &out, 0, show), context.Canceled)
}
