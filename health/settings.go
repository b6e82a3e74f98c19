package health

import (
	"iter"

	"github.com/forebay-go/forebay/producer"
)

const settingsMax = 1000

// WithSettings makes the page show the settings in force, as view lists them: each field and its
// value. Pass config.Fields, which hides secrets. The handler calls view with the producer's Config
// whenever somebody opens the settings. Without this option the page shows no settings.
func WithSettings(view func(producer.Config) iter.Seq2[string, string]) Option {
	return optionFunc(func(h *handler) { h.looks.view = view })
}

// settings lists the settings in force for the page.
type settings struct {
	Settings []setting `json:"settings"`
	LeftOut  int       `json:"left_out"`
	Hint     string    `json:"hint,omitzero"` // how to see them, if there is no view
}

type setting struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

func (l *looks) settingsOf(cfg producer.Config) (s settings) {
	if l.view == nil {
		s.Hint = "to see the settings here, pass health.WithSettings(config.Fields) to health.New"
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
