package registry

import (
	"go.uber.org/zap/zapcore"

	"github.com/forebay-go/forebay/internal/ownline"
)

// quiet is a core that writes no message too often.
type quiet struct {
	zapcore.Core
	quota *ownline.Quota
}

func newQuiet(core zapcore.Core) zapcore.Core { return quiet{core, new(ownline.Quota)} }

// With adds fields to all lines.
func (q quiet) With(fields []zapcore.Field) zapcore.Core {
	return quiet{q.Core.With(fields), q.quota}
}

// Check adds the core to those that write the entry, unless it is said too often.
func (q quiet) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !q.quota.May(entry.Message, entry.Time) {
		return checked
	}
	return q.Core.Check(entry, checked)
}
