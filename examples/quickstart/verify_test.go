package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/routing"
)

// delivered returns records that were accepted, and what is read if all is well.
func delivered() (accepted []identity, read []received) {
	for _, priority := range routing.All {
		for n := range uint64(100) {
			id := identity{priority, n}
			r := received{identity: id, cluster: priority, topic: "without-key"}
			if n%2 == 1 {
				r.topic, r.key = "with-key", string(rune('a'+n%3))
			}
			accepted, read = append(accepted, id), append(read, r)
		}
	}
	return accepted, read
}

func TestCheck_IsContentWhenEachRecordIsThereOnce(t *testing.T) {
	accepted, read := delivered()
	require.NoError(t, check(accepted, read))

	// Those without a key have no order, and those with one have it only among themselves.
	slices.SortStableFunc(read, func(a, b received) int { return len(b.key) - len(a.key) })
	require.NoError(t, check(accepted, read))
}

func TestCheck_FailsWhenARecordIsMissing(t *testing.T) {
	accepted, read := delivered()
	for i := range read {
		err := check(accepted, slices.Delete(slices.Clone(read), i, i+1))
		require.EqualError(t, err, "accepted and not in Kafka: 1, the first is "+read[i].String())
	}
}

func TestCheck_FailsWhenARecordIsThereTwice(t *testing.T) {
	accepted, read := delivered()
	for i := range read {
		err := check(accepted, append(slices.Clone(read), read[i]))
		require.EqualError(t, err, "in Kafka more than once: 1, the first is "+read[i].String())
	}
}

func TestCheck_SaysWhatElseIsWrong(t *testing.T) {
	tests := map[string]struct {
		change func(accepted *[]identity, read *[]received)
		want   string
	}{
		"one replaced by another": {
			func(_ *[]identity, read *[]received) { (*read)[7] = (*read)[8] },
			"accepted and not in Kafka: 1, the first is high 7\nin Kafka more than once: 1, the " +
				"first is high 8",
		},
		"read and never accepted": {
			func(accepted *[]identity, _ *[]received) { *accepted = (*accepted)[1:] },
			"in Kafka and never accepted: 1, the first is high 0",
		},
		"in the wrong cluster": {
			func(_ *[]identity, read *[]received) { (*read)[0].cluster = routing.Low },
			"in the cluster of another priority: 1, the first is high 0",
		},
		"a key out of order": {
			func(_ *[]identity, read *[]received) {
				(*read)[1], (*read)[7] = (*read)[7], (*read)[1]
			},
			"not in the order of their key: 1, the first is high 1",
		},
		"nothing was read": {
			func(_ *[]identity, read *[]received) { *read = nil },
			"accepted and not in Kafka: 300, the first is high 0",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			accepted, read := delivered()
			test.change(&accepted, &read)
			require.EqualError(t, check(accepted, read), test.want)
		})
	}
}
