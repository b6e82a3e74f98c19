package dispatch

import "github.com/forebay-go/forebay/internal/cluster"

// actions says what is done about a batch for each action that an error code asks for. The action
// itself and the error are given too.
var actions = map[cluster.Action]func(*answers, *item, cluster.Action, error){
	cluster.Confirm:    (*answers).confirm,
	cluster.Elsewhere:  (*answers).elsewhere,
	cluster.Renew:      (*answers).renew,
	cluster.NewID:      (*answers).renew,
	cluster.Unnumber:   (*answers).renew,
	cluster.Resend:     (*answers).resend,
	cluster.Split:      (*answers).halve,
	cluster.Reject:     (*answers).reject,
	cluster.Recompress: (*answers).decompress,
	cluster.Hold:       (*answers).hold,
}

// confirm sends the same batch again in the same place: it was appended, or may have been.
func (an *answers) confirm(it *item, _ cluster.Action, _ error) {
	it.pin()
	an.follow(it)
}

// halve has the halves of a batch sent that is too large for its topic.
func (an *answers) halve(it *item, _ cluster.Action, err error) { an.splitter.split(it, err) }

// hold has a batch wait until the topic exists, or until this program may write to it.
func (an *answers) hold(it *item, _ cluster.Action, _ error) {
	an.cluster.Refresh(it.attempt.Topic)
	an.again(it)
}

// wonder sends the same batch again in the same place, and logs the code.
func (an *answers) wonder(it *item, _ cluster.Action, err error) {
	an.sayOnce(it.attempt.Code, err)
	it.pin()
}
