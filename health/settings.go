package health

import (
	"iter"

	"github.com/forebay-go/forebay/producer"
)

const settingsMax = 1000

// WithSettings has the page show the settings in force, as view lists them: the field of each and
// its value. Give it config.Fields, which hides secrets. It is called when somebody looks at the
// settings, with what the producer's Config returns. Without this option the page shows none.
func WithSettings(view func(producer.Config) iter.Seq2[string, string]) Option {
	return optionFunc(func(h *handler) { h.looks.view = view })
}

// settings is what the page shows of the settings in force.
type settings struct {
	Settings []setting `json:"settings"`
	LeftOut  int       `json:"left_out"`
	Hint     string    `json:"hint,omitzero"` // what to do where there is no view
}

type setting struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

func (l *looks) settingsOf(cfg producer.Config) (s settings) {
	if l.view == nil {
		s.Hint = "give health.WithSettings(config.Fields) to health.New to see the settings here"
		return s
	}
	for field, value := range l.view(cfg) {
		if len(s.Settings) == settingsMax {
			s.LeftOut++
			continue
		}
		s.Settings = append(s.Settings, setting{cut(field), cut(value)})
	}
	return s
}
