package measure

import (
	"github.com/forebay-go/forebay/bench/drive"
	"github.com/forebay-go/forebay/bench/rig"
)

// member is a client that meets the same trouble at the same time as the others.
type member struct {
	name   string
	load   *drive.Load
	driver *rig.Driver
}

// together starts all clients, and has them begin when the last is ready.
func together(t *rig.TB, b *Bench, round int,
	load func(client string) *drive.Load) (all []*member) {
	for _, name := range turns(b.clients(everyone...), round) {
		l := load(name)
		all = append(all, &member{name, l, rig.StartDriver(t, name, l)})
	}
	for _, m := range all {
		m.driver.Begin(t)
	}
	return all
}

// end returns what m has measured, and what it noted of each record. Those are nil if the result
// tells of an error.
func (m *member) end(t *rig.TB) (*drive.Result, []drive.Entry) {
	r := m.driver.Result(t, m.load.For+m.load.Finish)
	m.driver.End()
	if r.Error != "" {
		return r, nil
	}
	entries, err := drive.ReadJournal(m.load.Journal)
	t.Check(err)
	return r, entries
}
