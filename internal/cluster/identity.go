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

// lastEpoch is the last epoch that is used of a producer ID. After it a new ID is requested.
const lastEpoch = 32_766

// identity is a producer ID of a link and the counter of its epochs. A partition that must begin a
// new sequence takes a higher epoch. The others keep theirs, because a broker keeps the state of a
// producer separately for each partition.
type identity struct {
	c        *Cluster
	progress func() // called after each answer
	wg       sync.WaitGroup

	mu    sync.Mutex // guards what follows; never held across I/O
	id    int64      // -1: none
	epoch int16      // the highest that a partition has taken, or may have
	last  int64      // the ID to which taken belongs
	// the highest that a partition has taken, -1 for none, by topic and number
	taken   map[string][]int16
	failed  error // of the last request for an ID, nil if it succeeded
	refused error // why the cluster does not let us number batches
	odd     int   // unknown answers in a row
	// since when brokers that answer others hang up on such requests, or answer nonsense
	oddSince time.Time
	silent   int // requests in a row without an answer from a broker that answers others
	asking   bool
	retryAt  time.Time
	pause    *backoff.ExponentialBackOff
}

func newIdentity(c *Cluster, progress func()) *identity {
	pause := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(30*time.Second),
		backoff.WithMaxElapsedTime(0))
	return &identity{c: c, progress: progress, id: -1, last: -1,
		taken: make(map[string][]int16), pause: pause}
}

// renew returns a new sequence for one partition, in an epoch that this partition has not had. It
// returns false while there is no producer ID. An ID is then requested, and progress is called
// after the answer.
func (i *identity) renew(topic string, partition int32) (Sequence, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.availableLocked() {
		return Unnumbered, false
	}
	if i.spentLocked() {
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

// available reports whether renew would return a sequence. If not, a producer ID is requested.
func (i *identity) available() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.availableLocked()
}

func (i *identity) availableLocked() bool {
	if i.spentLocked() {
		i.askLocked()
		return i.refused != nil
	}
	return true
}

// spentLocked reports whether another producer ID is needed.
func (i *identity) spentLocked() bool { return i.id < 0 || i.epoch >= lastEpoch }

// forget frees the epochs that partitions of a topic have taken. Later sequences there get a higher
// epoch.
func (i *identity) forget(topic string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, epoch := range i.taken[topic] {
		i.epoch = max(i.epoch, epoch+1)
	}
	delete(i.taken, topic)
}

// current reports whether a sequence with id may go on; -1 is a sequence without an ID.
func (i *identity) current(id int64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if id >= 0 {
		return i.id == id
	}
	if i.id < 0 {
		i.askLocked() // the right to an ID may have been granted
	}
	return i.id < 0 && i.refused != nil
}

// drop gives up a producer ID that a broker rejects.
func (i *identity) drop(id int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.id == id {
		i.id = -1
	}
}

// askLocked requests a producer ID on a goroutine of its own, unless a request is in flight or has
// just failed.
func (i *identity) askLocked() {
	now := time.Now()
	if i.asking || now.Before(i.retryAt) || i.c.ctx.Err() != nil {
		return
	}
	i.asking = true
	i.wg.Go(func() {
		id, epoch, err := i.c.initProducerID()
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
		if i.spentLocked() { // the same ID as before, whose epochs are used up
			i.retryAt = time.Now().Add(i.pause.NextBackOff())
		} else {
			i.pause.Reset()
		}
	} else {
		wait := i.pause.NextBackOff()
		if i.denied(err) {
			i.refused = err
		} else {
			wait = min(wait, i.c.cfg.ProbeMax) // it is an outage like any other
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

// takeLocked takes a producer ID that was granted. If it is the same as before, the epochs that
// partitions have taken still count.
func (i *identity) takeLocked(id int64, epoch int16) {
	if id != i.last {
		clear(i.taken)
		i.epoch = 0
	}
	i.id, i.last, i.epoch = id, id, max(i.epoch, epoch)
	i.refused, i.odd, i.silent, i.oddSince, i.retryAt = nil, 0, 0, time.Time{}, time.Time{}
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

// An answer to InitProducerID decides whether batches wait for a producer ID, or go without
// sequences until there is one. The request is repeated in either case.
var (
	// later are the errors that pass by themselves, as outages do.
	later = []error{
		kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator,
		kerr.ConcurrentTransactions, kerr.RequestTimedOut, kerr.BrokerNotAvailable,
		kerr.NotController, kerr.KafkaStorageError, kerr.NetworkException,
		kerr.ThrottlingQuotaExceeded,
	}
	// never are the errors that last until an operator acts.
	never = []error{
		kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed,
		kerr.UnsupportedVersion, kerr.InvalidRequest, kerr.PolicyViolation,
	}
)

// oddAnswers is how many unknown answers in a row make batches go without sequences. It also counts
// as one if a broker answers other requests, but hangs up on this one or answers nonsense. Then
// that must have lasted for oddFor too: a network that cuts connections may do so three times
// within half a second.
const (
	oddAnswers = 3
	oddFor     = 5 * time.Second
)

// silentAnswers is the same for requests that a broker leaves unanswered for askTimeout. Kafka may
// do that for some seconds, while the broker waits for the controller.
const silentAnswers = 10

// denied reports whether batches go without sequences after err.
func (i *identity) denied(err error) bool {
	is := func(other error) bool { return errors.Is(err, other) }
	lasts := true
	switch _, answered := errors.AsType[*kerr.Error](err); {
	case slices.ContainsFunc(never, is):
		return true
	case is(errNoID) && timedOut(err):
		i.silent++
		return i.silent >= silentAnswers || i.refused != nil
	case is(errNoID):
		if i.oddSince.IsZero() {
			i.oddSince = time.Now()
		}
		lasts = time.Since(i.oddSince) >= oddFor
	case !answered || slices.ContainsFunc(later, is):
		i.odd, i.oddSince = 0, time.Time{} // it was the network then, too
		return i.refused != nil
	}
	i.odd++
	return i.odd >= oddAnswers && lasts || i.refused != nil
}

// initProducerID asks a random broker that answers for a new producer ID; kgo itself would ask all
// brokers in turn. It asks on the connections of helper. If one of them began with wrong versions,
// kgo closes it once it is idle. That of the supervisor would stay, because its own requests still
// succeed.
func (c *Cluster) initProducerID() (id int64, epoch int16, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, askTimeout)
	defer cancel()
	for node, known := range c.View().Brokers {
		if !known.Usable {
			continue
		}
		id, epoch, err = c.helper.initProducerID(ctx, node, known.Addr)
		if _, answered := errors.AsType[*kerr.Error](err); err != nil && !answered {
			err = c.explainNoID(node, known.Addr, err)
		}
		return id, epoch, err
	}
	return -1, -1, errors.New("no broker answers")
}

// offersRequest is an ApiVersions request in version 0, which every broker supports and which has
// no fields.
type offersRequest struct{ kmsg.ApiVersionsRequest }

// MaxVersion caps the version that kgo negotiates.
func (*offersRequest) MaxVersion() int16 { return 0 }

var (
	errNoID   = errors.New("a broker answers other requests, but not the one for a producer ID")
	errOldIDs = fmt.Errorf("the broker does not offer InitProducerID: %w", kerr.UnsupportedVersion)
)

// explainNoID finds out why a request for a producer ID failed with err. kgo's errors do not show
// that, and a broker that does not know the request may hang up. So it asks what the broker offers:
// if that is not answered either, it is an outage.
func (c *Cluster) explainNoID(node int32, addr string, err error) error {
	ctx, cancel := context.WithTimeout(c.ctx, askTimeout)
	defer cancel()
	cl := c.helper
	if timedOut(err) {
		// answers come in order: on the same connection the unanswered request blocks this one
		cl = c.control
	}
	answer, otherErr := cl.ask(ctx, node, addr, new(offersRequest))
	if otherErr != nil {
		return err // the broker is away
	}
	offers, ok := answer.(*kmsg.ApiVersionsResponse)
	if !ok || offers.ErrorCode != 0 {
		return err
	}
	if !slices.ContainsFunc(offers.ApiKeys,
		func(k kmsg.ApiVersionsResponseApiKey) bool {
			return k.ApiKey == int16(kmsg.InitProducerID)
		}) {
		return errOldIDs
	}
	return fmt.Errorf("%w: %w", errNoID, err)
}

func (cl *client) initProducerID(ctx context.Context, node int32, addr string) (id int64,
	epoch int16, err error) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.ProducerID, req.ProducerEpoch = -1, -1
	answer, err := cl.ask(ctx, node, addr, req)
	if err != nil {
		return -1, -1, err
	}
	resp := answer.(*kmsg.InitProducerIDResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return -1, -1, err
	}
	if resp.ProducerID < 0 || resp.ProducerEpoch < 0 || resp.ProducerEpoch >= lastEpoch {
		return -1, -1, fmt.Errorf("producer ID %d in epoch %d is unusable", resp.ProducerID,
			resp.ProducerEpoch)
	}
	return resp.ProducerID, resp.ProducerEpoch, nil
}
