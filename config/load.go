package config

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"go.uber.org/zap"

	"github.com/forebay-go/forebay/producer"
)

// Option changes how settings are loaded. A nil Option changes nothing, nor does an option with a
// nil function or logger.
type Option interface{ apply(*options) }

type options struct {
	environ   []string
	overrides []func(*producer.Config)
	log       *zap.Logger     // of Watch
	reload    <-chan struct{} // of Watch; nil if there is none
	outcome   func(source string, refused error)
	producer  []producer.Option
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

func newOptions(opts []Option) options {
	o := options{environ: os.Environ(), log: zap.NewNop(), outcome: func(string, error) {}}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	return o
}

// WithEnviron replaces the environment of the process by environ, each "name=value". Without
// arguments the environment is empty.
func WithEnviron(environ ...string) Option {
	return optionFunc(func(o *options) { o.environ = environ })
}

// WithOptions names the options that producer.New gets. Settings may lack what these options
// provide, such as the password of producer.WithCredentials.
func WithOptions(opts ...producer.Option) Option {
	return optionFunc(func(o *options) { o.producer = append(o.producer, opts...) })
}

// Override lets fn change the settings after file and environment were read. It overrides both.
func Override(fn func(*producer.Config)) Option {
	return optionFunc(func(o *options) {
		if fn != nil {
			o.overrides = append(o.overrides, fn)
		}
	})
}

// Load returns the settings in the file at path, in the environment and of Override, and where each
// was set. Later sources override earlier ones. Defaults are not filled in: producer.New does that.
// If path is empty, no file is read.
//
// The error is an *Error with every mistake, including those that producer.New would report. It
// wraps the error of opening the file, such as fs.ErrNotExist. The settings are then those that
// could be read.
func Load(path string, opts ...Option) (producer.Config, *Origins, error) {
	var text []byte
	var err error
	if path != "" {
		text, err = slurp(path)
	}
	cfg, origins, wrong := parse(path, text, newOptions(opts))
	if err != nil {
		wrong = newError([]Mistake{{Origin: Origin{File: path},
			Text: "cannot be read: " + reason(err), Err: err}})
	}
	return cfg, origins, wrong
}

// Parse does what Load does with the text of a file. Messages call the file name.
func Parse(name string, text []byte, opts ...Option) (producer.Config, *Origins, error) {
	return parse(name, text, newOptions(opts))
}

func parse(name string, text []byte, o options) (producer.Config, *Origins, error) {
	var cfg producer.Config
	r := &reader{origins: &Origins{file: name, of: make(map[string]Origin)}}
	r.readFile(&cfg, text)
	r.readEnvironment(&cfg, o.environ)
	for _, fn := range o.overrides {
		before := valuesOf(cfg)
		fn(&cfg)
		r.origins.overridden(before, valuesOf(cfg))
	}
	if len(r.zeros) > 0 {
		full, _ := cfg.Complete(o.producer...) // check finds its mistakes below
		r.rejectZeros(cfg, full)
	}
	mistakes := r.mistakes
	ofFile := func(m Mistake) bool { return m.Field == "" && m.Origin.Variable == "" }
	if !slices.ContainsFunc(mistakes, ofFile) { // else a part of the file was not read
		mistakes = slices.Concat(mistakes, r.check(cfg, o.producer))
	}
	return cfg, r.origins, newError(mistakes)
}

// Warnings returns the settings in cfg that work but are probably mistakes, and where each was set;
// see producer.Config.Warnings. origins are those of Load.
func Warnings(cfg producer.Config, origins *Origins, opts ...producer.Option) []Mistake {
	var all []error
	for _, w := range cfg.Warnings(opts...) {
		all = append(all, w)
	}
	return origins.locate(errors.Join(all...), cfg)
}

// check returns the mistakes that the producer finds in cfg, except those that follow from known
// mistakes.
func (r *reader) check(cfg producer.Config, opts []producer.Option) []Mistake {
	_, err := cfg.Complete(opts...)
	return slices.DeleteFunc(r.origins.locate(err, cfg), func(m Mistake) bool {
		return slices.ContainsFunc(r.mistakes, func(k Mistake) bool {
			return k.Field != "" && (within(m.Field, k.Field) || within(k.Field, m.Field))
		})
	})
}

// reason returns err without the name of the file, which the message already has.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}
