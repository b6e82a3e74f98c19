package producer

import (
	"time"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// idleTopic is how long a topic may be without a record before its table is freed.
const idleTopic = 10 * time.Minute

// newSetup returns what settings come to, without clusters and lanes.
func (p *Producer) newSetup(cfg Config, rules *routing.Table) (*setup, error) {
	s := &setup{
		cfg: cfg, rules: rules, ruled: new(buffer.Index), clusters: make(map[string]*dispatch.Site),
		codecs: make(map[compression]*buffer.Codec),
		since:  time.Now(), digest: cfg.digest(), warnings: p.options.warnings(&cfg),
	}
	for want := range cfg.compressions {
		if p.codecs[want] == nil {
			codec, err := buffer.NewCodec(want.name, want.level)
			if err != nil {
				return nil, err
			}
			p.codecs[want] = codec
		}
		s.codecs[want] = p.codecs[want]
	}
	for _, priority := range routing.All {
		s.engine[priority] = p.engineSettings(&cfg, priority)
	}
	return s, nil
}

// newLane returns a lane with its way to each of its clusters. Nothing runs yet.
func (p *Producer) newLane(s *setup, priority routing.Priority) *dispatch.Lane {
	return p.engine.NewLane(priority, p.bufferConfig(s, priority), s.ways(priority))
}

// ways returns the clusters that the settings name for a priority, the primary first.
func (s *setup) ways(priority routing.Priority) (ways []dispatch.Way) {
	pc := s.cfg.Priorities.of(priority)
	ways = append(ways, dispatch.Way{Site: s.clusters[pc.Cluster],
		There: routing.Fallback{Cluster: pc.Cluster}})
	for _, there := range pc.Fallbacks {
		ways = append(ways, dispatch.Way{Site: s.clusters[there.Cluster], There: there})
	}
	return ways
}

func (p *Producer) bufferConfig(s *setup, priority routing.Priority) buffer.Config {
	cfg := &s.cfg
	linger, most := cfg.lingers(priority)
	return buffer.Config{
		Linger:          linger,
		MaxLinger:       most,
		DeliveryTimeout: cfg.Priorities.of(priority).DeliveryTimeout,
		BatchBytes:      cfg.Batching.MaxBytes,
		Codec:           s.codecs[cfg.compression()],
		LeaderAcks:      cfg.Batching.Acks == acksLeader,
		Own:             s.ownOf(priority),
		MaxTopics:       cfg.Buffer.MaxTopics,
		Reports:         p.options.reports(),
		Class:           classOf(priority),
		ForKey:          p.forKey(),
		CatchUp:         p.clock.CatchUp,
		MaxShare:        p.maxShare,
	}
}

// lingers returns Linger and MaxLinger of the batches of a priority. Where they are long and the
// delivery timeout is short, a record would expire before it is sent.
func (cfg *Config) lingers(priority routing.Priority) (least, most time.Duration) {
	longest := cfg.Priorities.of(priority).DeliveryTimeout / 16
	return min(cfg.Batching.Linger, longest), min(cfg.Batching.MaxLinger, longest)
}

// maxShare returns what a new topic may hold by its rule.
func (p *Producer) maxShare(topic string) float64 { return p.setup.Load().rules.MaxShare(topic) }
