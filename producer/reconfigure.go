package producer

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/routing"
)

// Reconfigure puts other settings into force while the producer works. Send does not wait for it,
// and no record is lost. Waiting records go where the new settings say; requests in flight finish
// under the old ones. Only if Buffer.MaxBytes falls below what is held do lower priorities give up
// waiting records, the lowest first, down to their guarantees.
//
// cfg is complete in itself, as for New: a field that is zero has its default again. A waiting
// record keeps its priority even if the rule for its topic has changed; newer records of its key
// may then overtake it, which Stats counts in OrderAtRisk. The linger, the delivery timeout and the
// acks of a topic apply to its waiting records at once, the size of batches to those that are
// opened from then on, and the compression to those that are not compressed yet. If the settings of
// a cluster have changed, it is connected to anew; what was written to it and not answered is
// settled over the old connections.
//
// Reconfigure fails if cfg is wrong, if it changes what cannot be changed (ClientID, Resolver), if
// it leaves a priority without a cluster that has one, and with ErrClosed after Close. Then nothing
// has changed. It does no I/O. Calls wait for each other.
func (p *Producer) Reconfigure(cfg Config) error {
	cfg, rules, err := p.options.complete(cfg)
	if err != nil {
		return err
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	if p.ended {
		return fmt.Errorf("reconfigure: %w", ErrClosed)
	}
	was := p.setup.Load()
	if err := was.allows(&cfg); err != nil {
		return err
	}
	next, err := p.newSetup(cfg, rules)
	if err != nil {
		return fmt.Errorf("reconfigure: %w", err)
	}
	c := &change{p: p, was: was, next: next}
	c.next.changes = was.changes + 1
	if err := c.prepare(); err != nil {
		c.discard()
		return fmt.Errorf("reconfigure: %w", err)
	}
	c.apply()
	p.warn(c.next.warnings, was.warnings)
	p.log.Info("settings changed", zap.String("digest", c.next.digest),
		zap.Uint64("changes", c.next.changes))
	p.events.push(Event{Kind: EventReconfigured})
	return nil
}

// Config returns the settings in force, complete: what New or Reconfigure was given, with the
// defaults that it left open. Its secrets show stars to whatever prints or encodes them. It can be
// given to Reconfigure as it is.
func (p *Producer) Config() Config { return p.setup.Load().cfg.clone().explicit() }

// allows returns an error that names what cannot be changed from s to cfg.
func (s *setup) allows(cfg *Config) error {
	var errs []error
	same := func(field string, is, wanted any) {
		if is != wanted {
			errs = append(errs,
				fmt.Errorf("%s: %v cannot become %v while the producer works: make a new one "+
					"for that", field, is, wanted))
		}
	}
	same("client_id", s.cfg.ClientID, cfg.ClientID)
	same("resolver.refresh_every", s.cfg.Resolver.RefreshEvery, cfg.Resolver.RefreshEvery)
	same("resolver.stale_for", s.cfg.Resolver.StaleFor, cfg.Resolver.StaleFor)
	for l := range s.eachLane {
		if cfg.Priorities.of(l.Priority).Cluster == "" {
			errs = append(errs,
				fmt.Errorf("priorities.%v.cluster: records of this priority may wait: name a "+
					"cluster, one of %s",
					l.Priority, strings.Join(sortedNames(cfg.Clusters), ", ")))
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("forebay: settings that cannot be changed:\n%w", errors.Join(errs...))
	}
	return nil
}

// change is one call of Reconfigure.
type change struct {
	p         *Producer
	was, next *setup
	clusters  []*dispatch.Site                  // new ones
	lanes     []*dispatch.Lane                  // new ones
	paths     map[*dispatch.Lane]dispatch.Paths // of lanes that there are, their new ones
}

// prepare makes what is new. Nothing of it runs.
func (c *change) prepare() error {
	for name, cc := range c.next.cfg.Clusters {
		if old, ok := c.was.cfg.Clusters[name]; ok && reflect.DeepEqual(old, cc) {
			c.next.clusters[name] = c.was.clusters[name]
			continue
		}
		made, err := c.p.newSite(&c.next.cfg, name)
		if err != nil {
			return err
		}
		c.clusters = append(c.clusters, made)
		c.next.clusters[name] = made
	}
	c.paths = make(map[*dispatch.Lane]dispatch.Paths)
	for _, priority := range routing.All {
		c.prepareLane(priority)
	}
	return nil
}

func (c *change) prepareLane(priority routing.Priority) {
	l := c.was.lanes[priority]
	switch {
	case l != nil:
		c.paths[l] = l.NewPaths(c.next.ways(priority))
	case c.next.cfg.Priorities.of(priority).Cluster != "":
		l = c.p.newLane(c.next, priority)
		c.lanes = append(c.lanes, l)
	}
	c.next.lanes[priority] = l
}

// discard ends what prepare has made.
func (c *change) discard() {
	for _, made := range c.clusters {
		made.Discard()
	}
}

// apply puts the new settings into force.
func (c *change) apply() {
	for l := range c.was.eachLane {
		l.StopChoosing()
	}
	c.p.setup.Store(c.next)
	c.p.share(&c.next.cfg)
	c.p.reports.resize(c.next.cfg.Reports.MaxBytes)
	c.p.evict.shrink(c.next.cfg.Buffer.MaxBytes)
	for _, x := range c.next.clusters {
		x.SetShares(c.next.cfg.Priorities.wireShares())
	}
	for _, made := range c.clusters {
		c.p.watch(made)
		made.Start()
	}
	for l, paths := range c.paths {
		l.Configure(c.p.bufferConfig(c.next, l.Priority))
		topics, _ := l.Buffer.Topics()
		for _, t := range topics {
			t.SetMaxShare(c.next.rules.MaxShare(t.Name()))
		}
		for _, left := range l.Redirect(paths) {
			c.p.leaving.Go(func() { c.p.retire(left) })
		}
	}
	for _, l := range c.lanes {
		l.Start()
	}
	c.p.closeUnused(c.was.clusters)
}

// retire ends a dispatcher that is not used any more, when what it has written has an outcome.
func (p *Producer) retire(left dispatch.Leaver) {
	if !left.Wait() { // before the lock is taken: a question that it has asked may take two seconds
		return // Close has ended it
	}
	p.changing.Lock()
	defer p.changing.Unlock()
	left.Forget()
	p.closeUnused(map[string]*dispatch.Site{left.Site().Name(): left.Site()})
}

// closeUnused closes those of some clusters that nothing goes to any more.
func (p *Producer) closeUnused(clusters map[string]*dispatch.Site) {
	used := p.setup.Load().inUse()
	for _, c := range clusters {
		if !used[c] {
			p.leaving.Go(c.Close) // it waits for its supervisor
		}
	}
}

// inUse returns the clusters that there are, and those that something was written to and not
// answered.
func (s *setup) inUse() map[*dispatch.Site]bool {
	all := make(map[*dispatch.Site]bool)
	for _, c := range s.clusters {
		all[c] = true
	}
	for l := range s.eachLane {
		for site := range l.Sites() {
			all[site] = true
		}
	}
	return all
}
