package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/forebay-go/forebay/config"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// environ returns the environment. Tests replace it.
var environ = os.Environ

// readFile returns the settings in the file at path and in the environment. It prints every mistake
// in them; the error is then an exitError.
func readFile(out io.Writer, path string) (producer.Config, *config.Origins, error) {
	cfg, origins, err := config.Load(path, config.WithEnviron(environ()...))
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		for _, m := range wrong.Mistakes {
			fmt.Fprintln(out, m)
		}
		fmt.Fprintf(out, "\n%s in %s\n", plural(len(wrong.Mistakes), "mistake"), path)
		err = exitError(exitFailed)
	}
	return cfg, origins, err
}

// load returns the settings that produce works with: those of the flags, or those of a file with
// the flags that were given on top.
func (f *flags) load(changed func(flag string) bool) (producer.Config, error) {
	if f.file == "" {
		return f.config(), nil
	}
	cfg, _, err := config.Load(f.file, f.loading(changed)...)
	if err != nil {
		text := strings.TrimPrefix(err.Error(), "forebay: wrong configuration:")
		return cfg, errors.New("--config:" + text)
	}
	return cfg, nil
}

// loading returns the options with which the file is read.
func (f *flags) loading(changed func(flag string) bool) []config.Option {
	return []config.Option{config.WithEnviron(environ()...),
		config.Override(func(cfg *producer.Config) { f.override(cfg, changed) })}
}

// override replaces settings of the file by the flags that were given, those of topics too.
func (f *flags) override(cfg *producer.Config, changed func(flag string) bool) {
	given := f.config()
	// settings of topics go before those of batching and of priorities, so the flags end them; an
	// entry that would set nothing then gives its topics what it gave them before
	each := func(change func(*producer.TopicConfig)) {
		for i := range cfg.Topics {
			t := &cfg.Topics[i]
			if t.Topic != "" && t.Priority == routing.Unset {
				t.Priority = routing.Medium
			}
			change(t)
		}
	}
	if cfg.ClientID == "" {
		cfg.ClientID = given.ClientID
	}
	for flag, put := range map[string]func(){
		"compression": func() {
			cfg.Batching.Compression, cfg.Batching.CompressionLevel = given.Batching.Compression, 0
			each(func(t *producer.TopicConfig) { t.Compression, t.CompressionLevel = "", 0 })
		},
		"acks": func() {
			cfg.Batching.Acks = given.Batching.Acks
			each(func(t *producer.TopicConfig) { t.Acks = "" })
		},
		"linger": func() {
			cfg.Batching.Linger = given.Batching.Linger
			each(func(t *producer.TopicConfig) { t.Linger = 0 })
		},
		"buffer": func() { cfg.Buffer.MaxBytes = given.Buffer.MaxBytes },
		"delivery-timeout": func() {
			for _, p := range []*producer.PriorityConfig{&cfg.Priorities.Low,
				&cfg.Priorities.Medium, &cfg.Priorities.High} {
				p.DeliveryTimeout = f.deliveryTimeout
			}
			each(func(t *producer.TopicConfig) { t.DeliveryTimeout = 0 })
		},
	} {
		if changed(flag) {
			put()
		}
	}
}
