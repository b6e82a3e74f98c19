package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// load returns the settings of the library: those of the flags, or of a file and the flags that
// were written.
func (s *settings) load(changed func(flag string) bool) (producer.Config, error) {
	if s.file == "" {
		return s.config(), nil
	}
	cfg, _, err := config.Load(s.file, s.loading(changed)...)
	if err != nil {
		text := strings.TrimPrefix(err.Error(), "forebay: wrong configuration:")
		return cfg, errors.New("--config:" + text)
	}
	return cfg, nil
}

// loading returns how the file is read.
func (s *settings) loading(changed func(flag string) bool) []config.Option {
	return []config.Option{config.WithEnviron(environ()...),
		config.Override(func(cfg *producer.Config) { s.override(cfg, changed) })}
}

// override puts the flags that were written in place of what the file says.
func (s *settings) override(cfg *producer.Config, changed func(flag string) bool) {
	flags := s.config()
	if cfg.ClientID == "" {
		cfg.ClientID = flags.ClientID
	}
	for flag, put := range map[string]func(){
		"compression": func() { cfg.Batching.Compression = flags.Batching.Compression },
		"acks":        func() { cfg.Batching.Acks = flags.Batching.Acks },
		"linger":      func() { cfg.Batching.Linger = flags.Batching.Linger },
		"buffer":      func() { cfg.Buffer.MaxBytes = flags.Buffer.MaxBytes },
		"delivery-timeout": func() {
			for _, p := range []*producer.PriorityConfig{&cfg.Priorities.Low,
				&cfg.Priorities.Medium, &cfg.Priorities.High} {
				p.DeliveryTimeout = s.deliveryTimeout
			}
		},
	} {
		if changed(flag) {
			put()
		}
	}
}

// route is where the lines go by the settings.
type route struct {
	priority routing.Priority // of the record; Unset if the settings decide
	cluster  string
	largest  int // record
}

// route returns where lines go. The error says that there is no cluster for them.
func (s *settings) route(cfg producer.Config, changed func(flag string) bool) (route, error) {
	full, err := cfg.Complete()
	if err != nil {
		return route{}, err
	}
	rules, err := routing.NewTable(full.Topics)
	if err != nil {
		return route{}, err
	}
	r := route{priority: s.priority, largest: full.Batching.MaxRecordBytes}
	priority := s.priority
	if s.file != "" && !changed("priority") {
		r.priority, priority = routing.Unset, rules.Priority(s.topic)
	}
	switch priority {
	case routing.Low:
		r.cluster = full.Priorities.Low.Cluster
	case routing.Medium:
		r.cluster = full.Priorities.Medium.Cluster
	default:
		r.cluster = full.Priorities.High.Cluster
	}
	return r, nil
}

// watch puts the file into force when it changes, and by SIGHUP, until stop is called.
func (s *settings) watch(ctx context.Context, running producer.Config, p *producer.Producer,
	screen display, changed func(flag string) bool) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	reload, ended := make(chan struct{}), make(chan struct{}, 2)
	go func() {
		defer func() { ended <- struct{}{} }()
		for {
			select {
			case <-hangups:
				select {
				case reload <- struct{}{}:
				case <-ctx.Done():
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		defer func() { ended <- struct{}{} }()
		opts := append(s.loading(changed), config.WithReload(reload),
			config.WithOutcome(p.SettingsFrom), config.WithLogger(zap.New(warnings{screen,
				zap.InfoLevel})))
		config.Watch(ctx, s.file, running, p.Reconfigure, opts...)
	}()
	return func() {
		signal.Stop(hangups)
		cancel()
		<-ended
		<-ended
	}
}
