package producer

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/buffer"
	"github.com/forebay-go/forebay/routing"
)

// Reconfigure puts other settings into force while the producer works. Send does not wait for it,
// and no record is lost by it: what waits goes where the new settings say, what is in flight comes
// home under the old ones. Only where Buffer.MaxBytes becomes less than what is held, priorities
// below the highest one in use give up what waits, the lowest first, down to their guarantees. cfg
// is complete in itself, as for New: what it does not name has its default again.
//
// A record that waits keeps the priority that it was sent with, even if the rule for its topic has
// changed. Newer records of its key may then overtake it, and Stats counts that in OrderAtRisk. A
// cluster whose settings have changed is connected to anew; what was written to it and not answered
// is settled over the old connections, for as long as its delivery timeout says.
//
// It fails with all that is wrong in cfg, with what cannot be changed (ClientID,
// Batching.Compression, Batching.Acks, Resolver, and to leave a priority without a cluster that has
// one), and with ErrClosed after Close; then nothing has changed. It does no I/O. Calls come one
// after the other.
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
	c := &change{p: p, was: was, next: &setup{cfg: cfg, rules: rules, ruled: new(buffer.Table),
		clusters: make(map[string]*site),
		since:    time.Now(), changes: was.changes +
			1, digest: cfg.digest(), warnings: p.options.warnings(&cfg)}}
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
	same("batching.compression", s.cfg.Batching.Compression, cfg.Batching.Compression)
	same("batching.acks", s.cfg.Batching.Acks, cfg.Batching.Acks)
	same("resolver.refresh_every", s.cfg.Resolver.RefreshEvery, cfg.Resolver.RefreshEvery)
	same("resolver.stale_for", s.cfg.Resolver.StaleFor, cfg.Resolver.StaleFor)
	for l := range s.eachLane {
		if cfg.Priorities.of(l.priority).Cluster == "" {
			errs = append(errs,
				fmt.Errorf("priorities.%v.cluster: records of this priority may wait: name a "+
					"cluster, one of %s",
					l.priority, strings.Join(sortedNames(cfg.Clusters), ", ")))
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
	clusters  []*site          // new ones
	lanes     []*lane          // new ones
	paths     map[*lane][]path // of lanes that there are, their new ones
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
	c.paths = make(map[*lane][]path)
	for _, priority := range routing.All {
		if err := c.prepareLane(priority); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) prepareLane(priority routing.Priority) (err error) {
	l := c.was.lanes[priority]
	switch {
	case l != nil:
		c.next.lanes[priority] = l
		c.paths[l], err = l.newPaths(c.next, l.routes.Load().paths)
	case c.next.cfg.Priorities.of(priority).Cluster != "":
		if l, err = c.p.newLane(c.next, priority); err == nil {
			c.next.lanes[priority] = l
			c.lanes = append(c.lanes, l)
		}
	}
	return err
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
		l.chooser.stop()
	}
	c.p.setup.Store(c.next)
	c.p.share(&c.next.cfg)
	if c.p.reports != nil {
		c.p.reports.resize(c.next.cfg.Reports.MaxBytes)
	}
	c.p.evict.shrink(c.next.cfg.Buffer.MaxBytes)
	for _, x := range c.next.clusters {
		x.gate.SetShares(c.next.cfg.Priorities.wireShares())
	}
	for _, made := range c.clusters {
		c.p.watch(made)
		made.Start()
	}
	for l, paths := range c.paths {
		l.buf.Configure(l.bufferConfig(&c.next.cfg))
		topics, _ := l.buf.Topics()
		for _, t := range topics {
			t.SetMaxShare(c.next.rules.MaxShare(t.Name()))
		}
		c.p.redirect(l, paths)
	}
	for _, l := range c.lanes {
		l.start()
	}
	c.p.closeUnused(c.was.clusters)
}

// redirect has l use other ways from now on, beginning with the cluster that it uses, if that is
// still one of them.
func (p *Producer) redirect(l *lane, paths []path) {
	var left []*dispatcher
	was := l.routes.Load()
	from := was.paths[was.use].d.cluster.Name()
	use := slices.IndexFunc(paths, func(x path) bool { return x.d.cluster.Name() == from })
	next := &routes{paths: paths, use: max(use, 0), since: was.since}
	for _, x := range was.paths {
		if !next.has(x.d) {
			left = append(left, x.d)
		}
	}
	next.leaving = append(slices.Clone(was.leaving), left...)
	if use < 0 {
		next.since = time.Now()
		p.events.push(Event{Kind: EventReturned, Priority: l.priority,
			Cluster: paths[0].d.cluster.Name(), From: from, Reason: "settings changed"})
	}
	l.update(func(r *routes) { *r = *next })
	for _, x := range paths {
		if !was.has(x.d) {
			// now that it is one of the ways: one that is not, and has nothing to do, leaves
			x.d.start()
		}
	}
	l.choose(use)
	for _, d := range left {
		p.leaving.Go(func() { p.retire(l, d) })
	}
}

// retire ends a dispatcher that is not used any more, when what it has written has an outcome.
func (p *Producer) retire(l *lane, d *dispatcher) {
	select {
	case <-d.idle:
	case <-d.done: // by Close
		return
	}
	d.halt() // before the lock is taken: a question that it has asked may take two seconds
	p.changing.Lock()
	defer p.changing.Unlock()
	l.keep(d)
	topics, _ := l.buf.Topics()
	for _, t := range topics {
		// it was made when the routes had just been replaced
		t.Reassign(d.outlet, l.outlet(t.Name()))
	}
	p.closeUnused(map[string]*site{d.cluster.Name(): d.cluster})
}

// closeUnused closes those of some clusters that nothing goes to any more.
func (p *Producer) closeUnused(clusters map[string]*site) {
	used := p.setup.Load().inUse()
	for _, c := range clusters {
		if !used[c] {
			p.leaving.Go(c.Close) // it waits for its supervisor
		}
	}
}

// inUse returns the clusters that there are, and those that something was written to and not
// answered.
func (s *setup) inUse() map[*site]bool {
	all := make(map[*site]bool)
	for _, c := range s.clusters {
		all[c] = true
	}
	for l := range s.eachLane {
		for _, d := range l.dispatchers() {
			all[d.cluster] = true
		}
	}
	return all
}

// has reports whether d is one of the ways that r offers.
func (r *routes) has(d *dispatcher) bool {
	return slices.ContainsFunc(r.paths, func(x path) bool { return x.d == d })
}

// leave tells when a dispatcher that is not used any more has nothing left to do.
func (d *dispatcher) leave() {
	if d.left || len(d.active) > 0 || d.lane.routes.Load().has(d) {
		return
	}
	for _, ts := range d.topics {
		if ts.owned {
			return
		}
	}
	d.left = true
	close(d.idle)
}
