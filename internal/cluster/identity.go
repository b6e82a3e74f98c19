package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// lastEpoch is the last epoch of a producer ID that is used. After it a new ID is taken.
const lastEpoch = 32_766

// identity is the producer ID of a link and the counter of its epochs. A partition that must begin anew takes a higher
// epoch; the others go on in theirs, because a broker keeps the state of a producer for each partition by itself.
type identity struct {
	c        *Cluster
	acksAll  bool
	progress func() // called when there is a new answer
	wg       sync.WaitGroup

	mu      sync.Mutex // guards what follows; never held across I/O
	id      int64      // -1: none
	epoch   int16      // the highest that a partition has taken
	refused error      // why batches are not numbered: the cluster does not let us
	asking  bool
	retryAt time.Time
	pause   *backoff.ExponentialBackOff
}

func newIdentity(c *Cluster, progress func()) *identity {
	return &identity{c: c, acksAll: c.cfg.AcksAll, progress: progress, id: -1, pause: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond), backoff.WithMaxInterval(30*time.Second), backoff.WithMaxElapsedTime(0))}
}

// renew returns the beginning of a new numbering for one partition, which was numbered by before until now: an epoch that
// this partition has not had. It returns false while there is no producer ID, which is then asked for; progress is called
// when that is answered.
func (i *identity) renew(before Sequence) (Sequence, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.acksAll {
		return Unnumbered, true
	}
	if i.id < 0 || i.epoch >= lastEpoch {
		i.askLocked()
		return Unnumbered, i.refused != nil
	}
	if before.ID == i.id && before.Epoch >= i.epoch {
		i.epoch = before.Epoch + 1
	}
	return Sequence{ID: i.id, Epoch: i.epoch}, true
}

// forget makes sure that partitions whose numbering is forgotten get an epoch, if they come back, that they have not had.
func (i *identity) forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.id >= 0 && i.epoch < lastEpoch {
		i.epoch++
	}
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

// askLocked requests a producer ID on a goroutine of its own, unless that is going on or has just failed.
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
	if err == nil {
		i.id, i.epoch, i.refused = id, epoch, nil
		i.pause.Reset()
	} else {
		wait := i.pause.NextBackOff()
		if denied(err) {
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

func (i *identity) logChange(refused error) {
	log := i.c.cfg.Logger.With(zap.String("cluster", i.c.cfg.Name))
	if refused != nil {
		log.Warn("no producer ID: retries may leave duplicates", zap.Error(refused))
	} else {
		log.Info("producer ID granted: retries leave no duplicates")
	}
}

// denied reports whether a cluster refused a producer ID for good, as far as it knows.
func denied(err error) bool {
	return errors.Is(err, kerr.ClusterAuthorizationFailed) || errors.Is(err, kerr.UnsupportedVersion) ||
		errors.Is(err, kerr.InvalidRequest)
}

// initProducerID asks any broker for a new producer ID.
func (c *Cluster) initProducerID() (id int64, epoch int16, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, askTimeout)
	defer cancel()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.ProducerID, req.ProducerEpoch = -1, -1
	resp, err := req.RequestWith(ctx, prompt{c.control})
	if err != nil {
		return -1, -1, err
	}
	return resp.ProducerID, resp.ProducerEpoch, kerr.ErrorForCode(resp.ErrorCode)
}
