package routing

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFallback_TakesAndNames(t *testing.T) {
	long := strings.Repeat("t", 249)
	for _, tt := range []struct {
		name     string
		fallback Fallback
		topic    string
		takes    bool
		called   string
	}{
		{"all, unless it says which", Fallback{}, "a", true, "a"},
		{"what is named", Fallback{Topics: []string{"a", "b"}}, "b", true, "b"},
		{"and nothing else", Fallback{Topics: []string{"a", "b"}}, "ab", false, "ab"},
		{"what matches", Fallback{Topics: []string{"x", "play.*"}}, "play.start", true,
			"play.start"},
		{"and not what begins alike", Fallback{Topics: []string{"play.*"}}, "play", false, "play"},
		{"with a prefix", Fallback{Prefix: "f."}, "a", true, "f.a"},
		{"with another name", Fallback{Rename: map[string]string{"a": "b"}}, "a", true, "b"},
		{"another name goes before the prefix",
			Fallback{Prefix: "f.", Rename: map[string]string{"a": "b"}}, "a", true, "b"},
		{"another name is that of one topic",
			Fallback{Prefix: "f.", Rename: map[string]string{"a": "b"}}, "b", true, "f.b"},
		{"not what would be too long there", Fallback{Prefix: "f."}, long, false, "f." + long},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.fallback.Cluster = "c"
			require.NoError(t, tt.fallback.Check(""))
			require.Equal(t, tt.takes, tt.fallback.Takes(tt.topic))
			require.Equal(t, tt.called, tt.fallback.Name(tt.topic))
		})
	}
}

func TestFallback_CheckNamesEveryMistake(t *testing.T) {
	err := Fallback{
		Topics: []string{"", "a", "[", "b.*", "a"},
		Rename: map[string]string{"b.*": "c", "x": "y", "a": "", "b.1": "1 2",
			"b.2": strings.Repeat("n", 250), "b.3": ".."},
		Prefix: "100%/",
	}.Check("fallbacks[0]")
	require.EqualError(t, err, `fallbacks[0].cluster: empty: write the name of one of the clusters
fallbacks[0].topics[0]: empty: write the name of a topic or a pattern such as "playback.*"
fallbacks[0].topics[2]: "[" is not a pattern: a bracket is not closed, or a backslash ends it
fallbacks[0].topics[4]: "a" is in the list already: keep one of them
fallbacks[0].rename.a: "" is empty: write what the topic is called in that cluster
fallbacks[0].rename: "b.*" has a character other than letters, digits, '.', '_' and '-': write the name of one topic
fallbacks[0].rename.b.1: "1 2" has a character other than letters, digits, '.', '_' and '-': write what the topic is called in that cluster
fallbacks[0].rename.b.2: "`+strings.Repeat("n", 250)+`" has more than 249 characters: write what the topic is called in that cluster
fallbacks[0].rename.b.3: ".." is not a name: write what the topic is called in that cluster
fallbacks[0].rename: "x" is none of the topics: add it to them, or remove it here
fallbacks[0].prefix: "100%/" has a character other than letters, digits, '.', '_' and '-': write the beginning of a topic's name, such as "fallback."`)
}

func TestFallback_WhatItTakesHasALegalNameThere(t *testing.T) {
	name := rapid.StringMatching(`[a-c._*-]{0,4}`)
	rapid.Check(t, func(rt *rapid.T) {
		f := Fallback{
			Cluster: "c",
			Topics:  rapid.SliceOfN(name, 0, 3).Draw(rt, "topics"),
			Rename:  rapid.MapOfN(name, name, 0, 3).Draw(rt, "rename"),
			Prefix:  name.Draw(rt, "prefix"),
		}
		if f.Check("f") != nil {
			rt.Skip(f)
		}
		for from, to := range f.Rename {
			require.True(rt, f.Takes(from))
			require.Equal(rt, to, f.Name(from))
		}
		topic := rapid.StringMatching(`[a-c.]{0,249}`).Draw(rt, "topic")
		if f.Takes(topic) {
			require.Empty(rt, illegal(f.Name(topic)))
		}
	})
}
