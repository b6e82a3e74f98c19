package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	clients = 8
	every   = 20 * time.Millisecond // that each of them sends a request
)

// The phases that a request can be in.
const (
	uncounted = iota // warming up, or the cut is being made or mended
	there            // Kafka is
	away             // it is not
	phases
)

// load are the clients of the service, each with a goroutine and a connection of its own.
type load struct {
	url    string
	http   *http.Client
	phase  atomic.Int32
	failed atomic.Int64 // requests

	cancel context.CancelFunc
	done   sync.WaitGroup

	mu   sync.Mutex              // guards what follows
	took [phases][]time.Duration // a request
	err  error                   // of the last that failed
}

// startLoad sends requests to the service at url until stop.
func startLoad(url string) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{
		url: url, cancel: cancel,
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients},
			Timeout: 10 * time.Second},
	}
	for number := range clients {
		l.done.Go(func() { l.run(ctx, number) })
	}
	return l
}

// stop ends the clients and waits for them. Calling it again is harmless.
func (l *load) stop() {
	l.cancel()
	l.done.Wait()
	l.http.CloseIdleConnections()
}

// run is a client. It sends a request when it is due; one that is late because the one before took
// long has begun when it was due.
func (l *load) run(ctx context.Context, number int) {
	due := time.Now().Add(every * time.Duration(number) / clients)
	for n := number; ; n += clients {
		begin := due
		if wait := time.Until(due); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			begin = time.Now()
		} else if ctx.Err() != nil {
			return
		}
		phase := l.phase.Load()
		err := l.request(n)
		l.note(phase, time.Since(begin), err)
		due = due.Add(every)
	}
}

// request sends the n-th request: of ten, one plays, three search, and the others look.
func (l *load) request(n int) error {
	method, path := http.MethodGet, fmt.Sprintf("/titles/%d", n%1000)
	switch n / clients % 10 {
	case 0:
		method, path = http.MethodPost, fmt.Sprintf("/plays/%d?user=%d", n%1000, n%50)
	case 1, 2, 3:
		path = fmt.Sprintf("/search?q=title+%d", n%1000)
	}
	req, err := http.NewRequest(method, l.url+path, nil)
	if err != nil {
		return err
	}
	answer, err := l.http.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, answer.Status)
	}
	return nil
}

func (l *load) note(phase int32, took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed.Add(1)
		l.err = err
		return
	}
	l.took[phase] = append(l.took[phase], took)
}
