package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStory_NamesTheBrokerAndTheRecord(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, story(t.Context(), &out, 0), &out)
	require.Contains(t, out.String(), "auditor-3: broker 2 is slow.")
	require.Contains(t, out.String(), "The auditor found the one record that was thrown away")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, story(ctx, &out, 0), context.Canceled)
}
