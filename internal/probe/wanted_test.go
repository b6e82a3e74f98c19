package probe

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/forebay-go/forebay/routing"
)

func TestResolve_GivesEachTopicToTheFirstRuleThatMatches(t *testing.T) {
	of := func(topic string, p routing.Priority) Wanted {
		return Wanted{Cluster: "a", Topic: topic, Priority: p}
	}
	topics, none := Resolve([]Wanted{of("p.*", routing.High), of("p.1", routing.Low),
		of("*", routing.Medium), of("none.*", routing.Low), of("[", routing.Low)},
		[]string{"p.1", "p.2", "q"})
	require.Equal(t, []Wanted{of("p.1", routing.Low), of("p.2", routing.High),
		of("q", routing.Medium)}, topics)
	require.Equal(t, []Wanted{of("none.*", routing.Low), of("[", routing.Low)}, none)
}

func TestTopics_NamesEachOnce(t *testing.T) {
	routes := &Routes{routing.High: {Cluster: "a", Fallbacks: []routing.Fallback{
		{Cluster: "b", Topics: []string{"p.*"}, Rename: map[string]string{"p.1": "other"},
			Prefix: "f."}}}}
	rule := func(topic string) Rule {
		return Rule{Topic: topic, Priority: routing.High}
	}
	require.Equal(t, []Wanted{
		{Cluster: "a", Topic: "p.1", Priority: routing.High},
		{Cluster: "a", Topic: "p.*", Priority: routing.High},
		{Cluster: "a", Topic: "q", Priority: routing.High},
		{Cluster: "b", Topic: "other", Priority: routing.High, Fallback: true},
		{Cluster: "b", Topic: "f.p.*", Priority: routing.High, Fallback: true},
	}, routes.Topics([]Rule{rule("p.1"), rule("p.*"), rule("q"), rule("p.1"),
		{Topic: "nowhere", Priority: routing.Low}}))
}
