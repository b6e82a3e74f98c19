package producer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// SettingsStats says which settings are in force.
type SettingsStats struct {
	Since   time.Time // when they came into force
	Changes uint64    // how often Reconfigure has put settings into force since New

	// Digest is the same for producers that work by the same settings, defaults filled in, wherever
	// those come from. Of secrets it knows only whether there is one, and nothing of options.
	Digest string

	Source    string    // where they come from, as SettingsFrom was told; empty: from code
	Refused   string    // why what the source says now is not in force, in words; empty if it is
	RefusedAt time.Time // when that was found; zero if it is in force
}

// maxRefusal is how much is kept of why settings were refused, in bytes.
const maxRefusal = 4 << 10

// provenance is what SettingsFrom was told. It is immutable.
type provenance struct {
	source, refused string
	at              time.Time
}

// SettingsFrom notes, for Stats, what has become of the settings that source says now: they are in
// force, or refused, and why. It changes nothing else. It is for whoever watches a source and calls
// Reconfigure; config.WithOutcome takes it.
func (p *Producer) SettingsFrom(source string, refused error) {
	from := &provenance{source: source}
	if refused != nil {
		from.refused, from.at = refused.Error(), time.Now()
		if len(from.refused) > maxRefusal {
			from.refused = from.refused[:maxRefusal] + "..."
		}
	}
	p.from.Store(from)
}

// settings returns what Stats says of them.
func (p *Producer) settings(s *setup) SettingsStats {
	stats := SettingsStats{Since: s.since, Changes: s.changes, Digest: s.digest}
	if from := p.from.Load(); from != nil {
		stats.Source, stats.Refused, stats.RefusedAt = from.source, from.refused, from.at
	}
	return stats
}

// digest returns what stands for cfg, which is complete. A Secret is encoded as stars.
func (cfg *Config) digest() string {
	text, err := json.Marshal(cfg)
	if err != nil {
		return "" // there is no setting that cannot be encoded; a test looks at all of them
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
