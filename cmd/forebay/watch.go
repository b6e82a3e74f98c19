package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/producer"
)

// watch applies the settings file when it changes and on SIGHUP, until stop is called.
func (f *flags) watch(ctx context.Context, running producer.Config, p *producer.Producer,
	screen display, changed func(flag string) bool) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	reload := make(chan struct{}) // sent by the first goroutine, received by the second
	var ended sync.WaitGroup
	ended.Go(func() { relay(ctx, hangups, reload) })
	ended.Go(func() {
		opts := append(f.loading(changed), config.WithReload(reload),
			config.WithOutcome(p.SettingsFrom),
			config.WithLogger(zap.New(warnings{screen, zap.InfoLevel})))
		config.Watch(ctx, f.file, running, p.Reconfigure, opts...)
	})
	return func() {
		signal.Stop(hangups)
		cancel()
		ended.Wait()
	}
}

// relay sends to reload for each signal, until ctx ends.
func relay(ctx context.Context, hangups <-chan os.Signal, reload chan<- struct{}) {
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
}
