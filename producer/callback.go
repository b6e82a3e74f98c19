package producer

import "github.com/forebay-go/forebay/internal/callers"

// Functions of ours that call the application's, on goroutines that Close waits for.
var (
	callsDelivery = callers.Name((*reports).call)
	callsEvents   = callers.Name((*events).call)
	callsLogger   = callers.Name(line.write)
)

// callback returns what function of the application has called its caller, in words, if that is one
// that Close waits for, and else nothing. A goroutine that such a function has begun is not it,
// even if the function waits for that.
//
// The stack says it: it has the function of ours that called. That does not say for which producer,
// so it counts only while that function runs for this one too.
func (p *Producer) callback() string {
	running := make(map[string]string)
	if p.reports.calling.Load() {
		running[callsDelivery] = "a delivery callback"
	}
	if p.events.calling.Load() {
		running[callsEvents] = "the callback for events"
	}
	if p.logger.calling.Load() {
		running[callsLogger] = "the logger"
	}
	if len(running) == 0 {
		return ""
	}
	return callers.Find(running)
}

// goexit is what the log says in place of the value of a panic.
const goexit = "it called runtime.Goexit, as t.FailNow of a test does"

// survive runs loop until it returns, and closes done. Where a function of the application ends the
// goroutine by runtime.Goexit, loop goes on on another one.
func survive(loop func(), done chan<- struct{}) {
	returned := false
	defer func() {
		if returned {
			close(done)
		} else {
			go survive(loop, done)
		}
	}()
	loop()
	returned = true
}
