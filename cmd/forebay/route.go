package main

import (
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// route says where the settings send the lines.
type route struct {
	priority routing.Priority // of each record; Unset leaves it to the settings
	cluster  string
	largest  int // the largest record, in bytes
}

// route returns where the lines go.
func (f *flags) route(cfg producer.Config, changed func(flag string) bool) (route, error) {
	full, err := cfg.Complete()
	if err != nil {
		return route{}, err
	}
	rules, err := routing.NewTable(full.Rules())
	if err != nil {
		return route{}, err
	}
	r := route{priority: f.priority, largest: full.Batching.MaxRecordBytes}
	priority := f.priority
	if f.file != "" && !changed("priority") {
		r.priority, priority = routing.Unset, rules.Priority(f.topic)
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
