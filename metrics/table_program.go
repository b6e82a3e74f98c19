package metrics

// callbacks returns the metrics of the application's callbacks.
func callbacks() []Metric {
	return []Metric{{
		Name: "forebay_reports_dropped_total", Kind: Counter, Unit: "{report}",
		Help:     "Delivery reports dropped because the callback did not keep up.",
		Question: "Does the application miss reports?",
		From:     []string{"ReportsDropped"},
		read:     func(v *view, emit emit) { emit(float64(v.ReportsDropped)) },
	}, {
		Name: "forebay_report_panics_total", Kind: Counter, Unit: "{panic}",
		Help:     "Panics of the callback for delivery reports.",
		Question: "Does the callback work?",
		From:     []string{"ReportPanics"},
		read:     func(v *view, emit emit) { emit(float64(v.ReportPanics)) },
	}, {
		Name: "forebay_interceptor_panics_total", Kind: Counter, Unit: "{panic}",
		Help:     "Panics of interceptors. Each refused a record.",
		Question: "Do the interceptors work?",
		From:     []string{"InterceptorPanics"},
		read:     func(v *view, emit emit) { emit(float64(v.InterceptorPanics)) },
	}, {
		Name: "forebay_events_dropped_total", Kind: Counter, Unit: "{event}",
		Help:     "Events dropped to make room for newer ones: the callback did not keep up.",
		Question: "Does the application miss events?",
		From:     []string{"EventsDropped"},
		read:     func(v *view, emit emit) { emit(float64(v.EventsDropped)) },
	}}
}

// settings returns the metrics of the settings in force.
func settings() []Metric {
	return []Metric{{
		Name: "forebay_settings_info", Kind: Gauge, Unit: Condition,
		Labels:   []string{"digest"},
		Help:     "1 for the digest of the settings in force.",
		Question: "Do all instances use the same settings?",
		From:     []string{"Settings.Digest"},
		read:     func(v *view, emit emit) { emit(1, v.Settings.Digest) },
	}, {
		Name: "forebay_settings_timestamp_seconds", Kind: Gauge, Unit: Seconds,
		Help:     "When the settings took effect, in seconds since 1970.",
		Question: "Did it begin with a change of settings?",
		From:     []string{"Settings.Since"},
		read:     func(v *view, emit emit) { emit(unix(v.Settings.Since)) },
	}, {
		Name: "forebay_settings_changes_total", Kind: Counter, Unit: Times,
		Help:     "How often the settings changed.",
		Question: "Did it begin with a change of settings?",
		From:     []string{"Settings.Changes"},
		read:     func(v *view, emit emit) { emit(float64(v.Settings.Changes)) },
	}, {
		Name: "forebay_settings_refused", Kind: Gauge, Unit: Condition,
		Help:     "1 while the new settings are invalid and therefore not in force, else 0.",
		Question: "Is the settings file invalid?",
		From:     []string{"Settings.Refused"},
		read:     func(v *view, emit emit) { emit(is(v.Settings.Refused != "")) },
	}}
}
