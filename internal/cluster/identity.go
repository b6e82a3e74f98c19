package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// lastEpoch is the last epoch of a producer ID that is used. After it a new ID is taken.
const lastEpoch = 32_766

// identity is the producer ID of a link and the counter of its epochs. A partition that must begin
// anew takes a higher epoch; the others go on in theirs, because a broker keeps the state of a
// producer for each partition by itself.
type identity struct {
	c        *Cluster
	client   *client
	acksAll  bool
	progress func() // called when there is a new answer
	wg       sync.WaitGroup

	mu    sync.Mutex // guards what follows; never held across I/O
	id    int64      // -1: none
	epoch int16      // the highest that a partition has taken, or may have
	last  int64      // the ID that taken is of
	// the highest that a partition has taken, -1 for none, by topic and number
	taken   map[string][]int16
	failed  error // of the last request for an ID, nil if there is one
	refused error // why batches are not numbered: the cluster does not let us
	odd     int   // answers in a row that nothing is known of
	silent  int   // questions in a row that a broker left open which answers others
	asking  bool
	retryAt time.Time
	pause   *backoff.ExponentialBackOff
}

func newIdentity(c *Cluster, b *client, progress func()) *identity {
	return &identity{c: c, client: b, acksAll: c.cfg.AcksAll, progress: progress, id: -1, last: -1,
		taken: make(map[string][]int16), pause: backoff.NewExponentialBackOff(
			backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(30*time.Second), backoff.WithMaxElapsedTime(0))}
}

// renew returns the beginning of a new numbering for one partition: an epoch that this partition
// has not had, whoever has asked for it. It returns false while there is no producer ID, which is
// then asked for; progress is called when that is answered.
func (i *identity) renew(topic string, partition int32) (Sequence, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.availableLocked() {
		return Unnumbered, false
	}
	if !i.acksAll || i.spentLocked() {
		return Unnumbered, true
	}
	epochs := i.taken[topic]
	for len(epochs) <= int(partition) {
		epochs = append(epochs, -1)
	}
	i.epoch = max(i.epoch, epochs[partition]+1)
	epochs[partition] = i.epoch
	i.taken[topic] = epochs
	return Sequence{ID: i.id, Epoch: i.epoch}, true
}

// available reports whether renew would return a numbering. If not, a producer ID is asked for.
func (i *identity) available() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.availableLocked()
}

func (i *identity) availableLocked() bool {
	if !i.acksAll {
		return true
	}
	if i.spentLocked() {
		i.askLocked()
		return i.refused != nil
	}
	return true
}

// spentLocked reports whether another producer ID has to be taken.
func (i *identity) spentLocked() bool { return i.id < 0 || i.epoch >= lastEpoch }

// forget frees the memory of what partitions of a topic have taken. Whatever begins there after
// that gets a higher epoch.
func (i *identity) forget(topic string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, epoch := range i.taken[topic] {
		i.epoch = max(i.epoch, epoch+1)
	}
	delete(i.taken, topic)
}

// current reports whether what is numbered with id, or without one, may go on so.
func (i *identity) current(id int64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if id >= 0 || !i.acksAll {
		return i.id == id
	}
	if i.id < 0 {
		i.askLocked() // the right to an ID may have been granted
	}
	return i.id < 0 && i.refused != nil
}

// drop gives up a producer ID that a broker does not take any more.
func (i *identity) drop(id int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.id == id {
		i.id = -1
	}
}

// askLocked requests a producer ID on a goroutine of its own, unless that is going on or has just
// failed.
func (i *identity) askLocked() {
	now := time.Now()
	if i.asking || now.Before(i.retryAt) || i.c.ctx.Err() != nil {
		return
	}
	i.asking = true
	i.wg.Go(func() {
		id, epoch, err := i.c.initProducerID(i.client)
		i.answered(id, epoch, err)
	})
}

func (i *identity) answered(id int64, epoch int16, err error) {
	i.mu.Lock()
	i.asking = false
	was := i.refused
	i.failed = err
	if err == nil {
		i.takeLocked(id, epoch)
		if i.spentLocked() { // the ID of before, whose epochs are used up
			i.retryAt = time.Now().Add(i.pause.NextBackOff())
		} else {
			i.pause.Reset()
		}
	} else {
		wait := i.pause.NextBackOff()
		if i.denied(err) {
			i.refused = err
		} else {
			wait = min(wait, ProbeMax) // it is an outage like any other
		}
		i.retryAt = time.Now().Add(wait)
	}
	now := i.refused
	i.mu.Unlock()
	if (was == nil) != (now == nil) {
		i.logChange(now)
	}
	i.progress()
}

// takeLocked takes a producer ID that was granted. Where it is the one of before, what partitions
// have taken of it still counts.
func (i *identity) takeLocked(id int64, epoch int16) {
	if id != i.last {
		clear(i.taken)
		i.epoch = 0
	}
	i.id, i.last, i.epoch = id, id, max(i.epoch, epoch)
	i.refused, i.odd, i.silent, i.retryAt = nil, 0, 0, time.Time{}
}

func (i *identity) logChange(refused error) {
	log := i.c.cfg.Logger.With(zap.String("cluster", i.c.cfg.Name))
	if refused != nil {
		log.Warn("no producer ID: retries may leave duplicates", zap.Error(refused))
	} else {
		log.Info("producer ID granted: retries leave no duplicates")
	}
}

// refuse notes that a broker does not let us number batches.
func (i *identity) refuse(id int64, err error) {
	i.mu.Lock()
	news := i.refused == nil
	if i.id == id {
		i.id = -1
	}
	i.refused, i.retryAt = err, time.Now().Add(i.pause.NextBackOff())
	i.mu.Unlock()
	if news {
		i.logChange(err)
	}
}

// refusal returns why batches are not numbered, nil if they are.
func (i *identity) refusal() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.refused
}

// What an answer to InitProducerID means for batches: to wait for a producer ID, or to go without
// numbers until there is one. All is asked again.
var (
	// later are the answers that pass by themselves, as outages do.
	later = []error{
		kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.ConcurrentTransactions,
		kerr.RequestTimedOut, kerr.BrokerNotAvailable, kerr.NotController, kerr.KafkaStorageError, kerr.NetworkException,
		kerr.ThrottlingQuotaExceeded,
	}
	// never are those that somebody has to do something about.
	never = []error{
		kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed, kerr.UnsupportedVersion, kerr.InvalidRequest,
		kerr.PolicyViolation,
	}
)

// oddAnswers is after how many answers in a row that nothing is known of batches go without
// numbers. A broker that answers everything else, and hangs up on this question or answers
// nonsense, counts as one.
const oddAnswers = 3

// silentAnswers is the same for a broker that leaves this question open, each time for askTimeout.
// A broker of Kafka may do so for some seconds, while it waits for the controller.
const silentAnswers = 10

// denied reports whether batches are to go without numbers after err.
func (i *identity) denied(err error) bool {
	is := func(other error) bool { return errors.Is(err, other) }
	switch _, answered := errors.AsType[*kerr.Error](err); {
	case slices.ContainsFunc(never, is):
		return true
	case is(errNoID) && timedOut(err):
		i.silent++
		return i.silent >= silentAnswers || i.refused != nil
	case is(errNoID): // it is odd
	case !answered || slices.ContainsFunc(later, is):
		return i.refused != nil
	}
	i.odd++
	return i.odd >= oddAnswers || i.refused != nil
}

// initProducerID asks a broker that answers for a new producer ID. Which one is chance: kgo itself
// would ask all that it has heard of, one after the other. A link asks through its own connections:
// one that was told of wrong versions when it began is given up for being idle, unlike that of the
// supervisor, whose questions may be answered well.
func (c *Cluster) initProducerID(b *client) (id int64, epoch int16, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, askTimeout)
	defer cancel()
	for node, known := range c.View().Brokers {
		if !known.Usable {
			continue
		}
		id, epoch, err = b.initProducerID(ctx, node, known.Addr)
		if _, answered := errors.AsType[*kerr.Error](err); err != nil && !answered {
			err = c.explainNoID(b, node, known.Addr, err)
		}
		return id, epoch, err
	}
	return -1, -1, errors.New("no broker answers")
}

// offersRequest asks what a broker offers, in the version that every broker speaks and that needs
// nothing said.
type offersRequest struct{ kmsg.ApiVersionsRequest }

// MaxVersion caps the version that kgo negotiates.
func (*offersRequest) MaxVersion() int16 { return 0 }

var (
	errNoID   = errors.New("a broker answers other requests, but not the one for a producer ID")
	errOldIDs = fmt.Errorf("the broker does not offer InitProducerID: %w", kerr.UnsupportedVersion)
)

// explainNoID returns what err means, with which the question for a producer ID has failed. Only
// kgo knows its errors, and a broker that does not know the question may hang up on it: whether it
// is an outage says the next question, what the broker offers.
func (c *Cluster) explainNoID(b *client, node int32, addr string, err error) error {
	ctx, cancel := context.WithTimeout(c.ctx, askTimeout)
	defer cancel()
	if timedOut(err) {
		// answers come in order: nothing comes on that connection before the one that is left open
		b = c.control
	}
	answer, otherErr := b.ask(ctx, node, addr, new(offersRequest))
	if otherErr != nil {
		return err // the broker is away
	}
	offers, ok := answer.(*kmsg.ApiVersionsResponse)
	if !ok || offers.ErrorCode != 0 {
		return err
	}
	if !slices.ContainsFunc(offers.ApiKeys,
		func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == int16(kmsg.InitProducerID) }) {
		return errOldIDs
	}
	return fmt.Errorf("%w: %w", errNoID, err)
}

func (b *client) initProducerID(ctx context.Context, node int32, addr string) (id int64, epoch int16,
	err error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.ProducerID, req.ProducerEpoch = -1, -1
	answer, err := b.ask(ctx, node, addr, req)
	if err != nil {
		return -1, -1, err
	}
	resp := answer.(*kmsg.InitProducerIDResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return -1, -1, err
	}
	if resp.ProducerID < 0 || resp.ProducerEpoch < 0 || resp.ProducerEpoch >= lastEpoch {
		return -1, -1, fmt.Errorf("producer ID %d in epoch %d is of no use", resp.ProducerID,
			resp.ProducerEpoch)
	}
	return resp.ProducerID, resp.ProducerEpoch, nil
}
