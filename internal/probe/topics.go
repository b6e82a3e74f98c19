package probe

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/forebay-go/forebay/internal/cluster"
	"github.com/forebay-go/forebay/preflight"
	"github.com/forebay-go/forebay/routing"
)

// topics checks the wanted topics.
func (k *check) topics(ctx context.Context, client *kgo.Client) {
	if len(k.cluster.Wanted) == 0 {
		k.add(ctx, preflight.Exists, preflight.OK, "",
			"no topic was checked, because none is known for this cluster")
		return
	}
	topics, ok := k.resolved(ctx, client)
	if !ok || len(topics) == 0 {
		return
	}
	var names []string
	for _, w := range topics {
		names = append(names, w.Topic)
	}
	k.awaits("topics: " + listed(names))
	meta, err := metadata(ctx, client, names)
	if err != nil {
		k.add(ctx, preflight.Exists, preflight.Problem, "", "cannot read topics: %v",
			k.cluster.why(err))
		return
	}
	details := make(map[string]*kmsg.MetadataResponseTopic)
	for i, t := range meta.Topics {
		if t.Topic != nil {
			details[*t.Topic] = &meta.Topics[i]
		}
	}
	k.awaits("the settings of topics: " + listed(names))
	settings, denied, err := settings(ctx, client, names)
	if err != nil {
		k.add(ctx, preflight.Size, preflight.Warning, "",
			"cannot read the settings of topics: %v", k.cluster.why(err))
	}
	refusal := k.creatable(ctx, client, names, details)
	for _, w := range topics {
		if ctx.Err() != nil {
			return
		}
		t := &topic{Wanted: w, cluster: k.cluster, settings: settings[w.Topic],
			denied: denied[w.Topic]}
		t.check(details[w.Topic], refusal)
		k.topic(w, t.facts, t.findings)
	}
}

// creatable asks whether those of the names that are missing would be created, if they are to be.
// It returns what has why one would not.
func (k *check) creatable(ctx context.Context, client *kgo.Client, names []string,
	details map[string]*kmsg.MetadataResponseTopic) func(topic string) error {
	var missing []string
	for _, name := range names {
		if errors.Is(absent(details[name]), kerr.UnknownTopicOrPartition) &&
			!slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if k.cluster.Create == nil || len(missing) == 0 {
		return nil
	}
	k.awaits("whether topics would be created: " + listed(missing))
	refused, err := make(map[string]error), error(nil)
	for some := range slices.Chunk(missing, perRequest(k.cluster.Create)) {
		if err == nil { // who has not answered is not asked again
			err = creatable(ctx, client, some, k.cluster.Create, refused)
		}
	}
	return func(topic string) error {
		if of, answered := refused[topic]; answered {
			return of
		}
		return err
	}
}

// perRequest returns how many topics a request may create: brokers take 10,000 partitions in one.
func perRequest(create *cluster.Creation) int {
	return max(1, min(100, 10_000/max(1, int(create.Partitions))))
}

// absent returns why there is no such topic for us, nil if there is; is may be nil.
func absent(is *kmsg.MetadataResponseTopic) error {
	switch {
	case is != nil && len(is.Partitions) > 0:
		return nil
	case is != nil && is.ErrorCode != 0:
		return kerr.ErrorForCode(is.ErrorCode)
	}
	return kerr.UnknownTopicOrPartition
}

// resolved returns what is wanted with existing topics in place of patterns, and without names that
// no topic can have.
func (k *check) resolved(ctx context.Context, client *kgo.Client) (topics []Wanted, ok bool) {
	var existing []string
	if slices.ContainsFunc(k.cluster.Wanted, Wanted.Pattern) {
		k.awaits("the list of topics")
		all, err := metadata(ctx, client, nil)
		if err != nil {
			k.add(ctx, preflight.Exists, preflight.Problem, "", "cannot list topics: %v",
				k.cluster.why(err))
			return nil, false
		}
		for _, t := range all.Topics {
			if t.Topic != nil && !t.IsInternal {
				existing = append(existing, *t.Topic)
			}
		}
		slices.Sort(existing)
	}
	topics, none := Resolve(k.cluster.Wanted, existing)
	for _, w := range none {
		f := finding(preflight.Exists, preflight.OK, "", "no topic matches this pattern")
		if _, err := path.Match(w.Topic, ""); err != nil {
			f = finding(preflight.Exists, preflight.Problem, "",
				"is neither a name nor a pattern of topics: a bracket is not closed, or a "+
					"backslash ends it")
		}
		k.topic(w, preflight.Topic{}, []preflight.Finding{f})
	}
	return slices.DeleteFunc(topics, func(w Wanted) bool {
		bad := illegal(w.Topic)
		if bad {
			k.topic(w, preflight.Topic{}, []preflight.Finding{finding(preflight.Exists,
				preflight.Problem, "", "Kafka does not allow this name: write 1 to 249 letters, "+
					"digits, '.', '_' and '-'")})
		}
		return bad
	}), true
}

// illegal reports whether no topic can have this name.
func illegal(name string) bool {
	return name == "" || name == "." || name == ".." || len(name) > routing.MaxTopicName ||
		strings.ContainsFunc(name, routing.IllegalInTopic)
}

// topic is the check of one topic.
type topic struct {
	Wanted
	cluster  *Cluster
	settings topicSettings
	denied   bool // its settings may not be read
	facts    preflight.Topic
	findings []preflight.Finding
}

func (t *topic) add(c preflight.Check, level preflight.Level, format string, args ...any) {
	t.findings = append(t.findings, finding(c, level, "", format, args...))
}

// check checks the topic by what its cluster says of it; is may be nil. If refusal is not, it has
// why the topic would not be created.
func (t *topic) check(is *kmsg.MetadataResponseTopic, refusal func(topic string) error) {
	if err := absent(is); err != nil {
		t.missing(err, refusal)
		return
	}
	t.describe(is)
	t.leaders(is)
	t.permission(is.AuthorizedOperations)
	t.replicas(is)
	t.sizes()
}

// missing says why there is no such topic for us, and whether it is created.
func (t *topic) missing(err error, refusal func(topic string) error) {
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed) && t.cluster.Create == nil:
		// permission to write includes permission to describe
		t.add(preflight.Write, preflight.Problem,
			"no permission to write or describe: add an ACL that allows WRITE")
	case errors.Is(err, kerr.TopicAuthorizationFailed):
		t.add(preflight.Write, preflight.Problem,
			"no permission to write or describe: add an ACL that allows WRITE, and CREATE if the "+
				"topic does not exist")
	case !errors.Is(err, kerr.UnknownTopicOrPartition):
		t.add(preflight.Exists, preflight.Problem, "cannot be read: %v", err)
	case t.cluster.Create != nil:
		t.created(refusal(t.Topic))
	case t.Fallback:
		t.add(preflight.Exists, preflight.Warning,
			"does not exist: records for it wait while they fall back to this cluster")
	default:
		t.add(preflight.Exists, preflight.Problem, "does not exist: records for it wait: create "+
			"it, as with \"forebay topics apply\"")
	}
}

// created says what comes of the attempt to create the topic.
func (t *topic) created(err error) {
	switch {
	case err == nil, exists(err): // somebody else has just created it
		t.add(preflight.Exists, preflight.OK,
			"does not exist; it is created when there are records for it")
	case errors.Is(err, kerr.TopicAuthorizationFailed),
		errors.Is(err, kerr.ClusterAuthorizationFailed):
		t.add(preflight.Exists, preflight.Problem,
			"does not exist, and there is no permission to create it: add an ACL that allows "+
				"CREATE, or create it")
	default:
		t.add(preflight.Exists, preflight.Problem,
			"does not exist, and cannot be created: %v: change create_topics, or create it",
			t.cluster.why(err))
	}
}
