package producer

import (
	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// host is a Producer as the engine sees it.
type host struct{ p *Producer }

var _ dispatch.Host = host{}

// Settings returns those of a lane.
func (h host) Settings(priority routing.Priority) *dispatch.Settings {
	return h.p.setup.Load().engine[priority]
}

// Lanes ranges over the lanes that there are.
func (h host) Lanes(yield func(*dispatch.Lane) bool) { h.p.setup.Load().eachLane(yield) }

// Freed forgets topics whose tables were freed.
func (h host) Freed(topics []*buffer.Topic) { h.p.setup.Load().ruled.Delete(topics...) }

// Lost has it logged that records were lost.
func (h host) Lost() { h.p.evict.lose() }

// Report has the outcome of a batch reported.
func (h host) Report(v dispatch.Verdict) { h.p.reports.push(v) }

// Event hands an event over.
func (h host) Event(e dispatch.Event) { h.p.events.push(eventOf(e)) }

// kinds are those of the engine's events.
var kinds = map[dispatch.EventKind]EventKind{
	dispatch.FellBackTo:    EventFellBack,
	dispatch.ReturnedTo:    EventReturned,
	dispatch.Repartitioned: EventRepartitioned,
	dispatch.TroubleBegan:  EventTrouble,
	dispatch.TroubleOver:   EventTroubleOver,
}

func eventOf(e dispatch.Event) Event {
	return Event{At: e.At, Kind: kinds[e.Kind], Priority: e.Priority, Cluster: e.Cluster,
		From:  e.From,
		Topic: e.Topic, Reason: e.Reason}
}

// engineSettings returns what the engine has to know of the settings of a lane.
func (p *Producer) engineSettings(cfg *Config, priority routing.Priority) *dispatch.Settings {
	pc := cfg.Priorities.of(priority)
	linger, most := cfg.lingers(priority)
	return &dispatch.Settings{
		Linger:              linger,
		MaxLinger:           most,
		MoveUnresolvedAfter: pc.MoveUnresolvedAfter,
		Thresholds: dispatch.Thresholds{FallbackAfter: pc.FallbackAfter,
			ReturnAfter: pc.ReturnAfter,
			SwitchEvery: pc.SwitchEvery},
		BatchBytes:  cfg.Batching.MaxBytes,
		BufferBytes: cfg.Buffer.MaxBytes,
		Rack:        cfg.Rack,
		Partitioner: p.chooses(cfg),
	}
}
