package registry

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestManage_RegistersLooksUpAndChecks(t *testing.T) {
	f := newFakeRegistry()
	r, _ := join(t, f, Config{})
	ctx := t.Context()
	_, err := r.LookUp(ctx, "s", avro(recordA))
	require.ErrorIs(t, err, ErrNotRegistered)
	require.EqualError(t, err, "the registry at http://registry.test does not know this schema")
	why, err := r.Incompatible(ctx, "s", avro(recordA))
	require.NoError(t, err)
	require.Empty(t, why, "a new subject takes every schema")

	id, err := r.Register(ctx, "s", avro(recordA))
	require.NoError(t, err)
	again, err := r.Register(ctx, "s", avro(recordA))
	require.NoError(t, err)
	require.Equal(t, id, again)
	found, err := r.LookUp(ctx, "s", avro(recordA))
	require.NoError(t, err)
	require.Equal(t, id, found)
	why, err = r.Incompatible(ctx, "s", avro(recordA))
	require.NoError(t, err)
	require.Empty(t, why)

	f.set(answers(200, "application/json", `{"is_compatible":false,"messages":["a","b"]}`))
	why, err = r.Incompatible(ctx, "s", avro(recordA))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, why)
	f.set(answers(200, "application/json", `{"is_compatible":false}`))
	why, err = r.Incompatible(ctx, "s", avro(recordA))
	require.NoError(t, err)
	require.Len(t, why, 1)
	f.set(answers(409, "application/json", `{"error_code":409,"message":"incompatible"}`))
	_, err = r.Register(ctx, "s", avro(recordA))
	require.ErrorIs(t, err, ErrRejected)
	require.ErrorContains(t, err, "does not take this schema (HTTP 409: incompatible)")
	f.set(answers(200, "application/json", `{"id":0}`))
	_, err = r.Register(ctx, "s", avro(recordA))
	require.ErrorContains(t, err, "answers with something else than an ID")

	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = r.LookUp(ended, "s", avro(recordA))
	require.ErrorIs(t, err, context.Canceled)
}

func TestManage_SaysWhatIsWrong(t *testing.T) {
	r, err := New(Config{})
	require.NoError(t, err)
	_, err = r.LookUp(t.Context(), "s", avro(recordA))
	require.EqualError(t, err, "no registry is set: set Config.URLs")
	r, _ = join(t, newFakeRegistry(), Config{})
	_, err = r.Register(t.Context(), "", avro(recordA))
	require.ErrorContains(t, err, "no subject: write one")
	_, err = r.Incompatible(t.Context(), "s", avro(""))
	require.ErrorContains(t, err, `subject "s": schema: no text`)
}
