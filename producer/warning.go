package producer

import (
	"fmt"
	"runtime/debug"
	"slices"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/secure"
	"github.com/forebay-go/forebay/routing"
)

// Warning is something in a Config that works but is probably a mistake.
type Warning struct {
	Field string // as in "clusters.events.sasl"
	Text  string // what was found, and what to write instead
}

// Error returns the warning in a line, for those who list it beside errors.
func (w Warning) Error() string { return w.Field + ": " + w.Text }

// Warnings returns what in cfg works but is probably a mistake. Give it the options of New, and
// settings that New accepts. New and Reconfigure log each warning once, with its setting.
func (cfg Config) Warnings(opts ...Option) []Warning {
	o := new(options)
	o.apply(opts)
	full, _, err := o.complete(cfg)
	if err != nil {
		return nil
	}
	return o.warnings(&full)
}

// warnings returns those of cfg, which is complete.
func (o *options) warnings(cfg *Config) (all []Warning) {
	used := make(map[string]bool)
	for _, p := range routing.All {
		pc := cfg.Priorities.of(p)
		used[pc.Cluster] = true
		for _, f := range pc.Fallbacks {
			used[f.Cluster] = true
		}
	}
	for _, name := range sortedNames(cfg.Clusters) {
		if !used[name] {
			all = append(all, Warning{"clusters." + name,
				"no priority uses this cluster: make it the cluster or a fallback of a " +
					"priority, or remove it"})
		}
		cc := cfg.Clusters[name]
		if shown := []string{secure.Plain, secure.OAuthBearer}; slices.Contains(shown,
			cc.SASL.Mechanism) &&
			!cc.TLS.Enabled && o.tls[name] == nil {
			all = append(all, Warning{"clusters." + name + ".sasl.mechanism", fmt.Sprintf(
				"%s without TLS sends the credentials in clear text: set tls.enabled, or use "+
					"WithTLS, even with a dialer of your own",
				cc.SASL.Mechanism)})
		}
	}
	for i := range cfg.Topics {
		if why := cfg.lingersLess(i); why != "" {
			all = append(all, Warning{fmt.Sprintf("topics[%d].linger", i), why})
		}
	}
	if limit, bound := debug.SetMemoryLimit(-1),
		cfg.Buffer.MaxBytes; limit-bound < bound/leastRoom {
		all = append(all, Warning{"buffer.max_bytes", fmt.Sprintf(
			"%d: the memory limit of this process (GOMEMLIMIT) is %d, so the garbage collector "+
				"runs all the time while the buffer is full: "+
				"raise it to %d plus what the rest of the program needs, or lower "+
				"buffer.max_bytes", bound, limit, bound+bound/leastRoom)})
	}
	return all
}

// lingersLess says why the topics of an entry do not linger for as long as it says; empty: they do.
func (cfg *Config) lingersLess(i int) string {
	is := cfg.Topics[i]
	wanted := is.Linger
	cfg.fill(&is, is.Priority)
	if wanted <= is.Linger {
		return ""
	}
	return fmt.Sprintf("%v: batches wait for %v, a sixteenth of the delivery timeout (%v): lower "+
		"this, or raise the delivery_timeout of these topics", wanted, is.Linger,
		is.DeliveryTimeout)
}

// leastRoom is the part of the bound, as its divisor, that has to be free below the memory limit.
// With less the collector ran 300 times a second in a program that allocates 20 MB/s, with it three
// times.
const leastRoom = 4

// warn logs those of some warnings that have not been logged before.
func (p *Producer) warn(all, before []Warning) {
	for _, w := range all {
		if !slices.Contains(before, w) {
			p.log.Warn("check this setting", zap.String("setting", w.Field),
				zap.String("why", w.Text))
		}
	}
}
