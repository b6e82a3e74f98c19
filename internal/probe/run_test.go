package probe

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/preflight"
)

func TestCheck_BlamesNobodyWhoHadNoTime(t *testing.T) {
	k := newCheck(&Cluster{Name: "events"})
	ctx, cancel := context.WithCancel(t.Context())
	k.add(ctx, preflight.Reachable, preflight.OK, "a:1", "answers")
	k.awaits("topics: plays")
	cancel()
	k.add(ctx, preflight.Reachable, preflight.Problem, "b:1", "no answer")
	found := k.result(ctx)
	k.change(func(c *preflight.Cluster) { c.Findings = nil })
	require.Equal(t, []preflight.Finding{
		{Check: preflight.Reachable, About: "a:1", Text: "answers"},
		{Check: preflight.Time, Level: preflight.Problem, Text: "the check has not finished: it " +
			"was waiting for topics: plays (context canceled): give it more time"},
	}, found.Findings)
	require.Len(t, k.found.Findings, 2, "the result does not change any more")
}
