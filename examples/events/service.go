package main

import (
	"log/slog"
	"time"

	"github.com/forebay-go/forebay/event"
	forebayslog "github.com/forebay-go/forebay/logs/slog"
	"github.com/forebay-go/forebay/producer"
	"github.com/forebay-go/forebay/routing"
)

// The topics.
const (
	playsTopic = "plays"
	logsTopic  = "logs"
)

// Play is the event that somebody plays a title.
type Play struct {
	Number int       `json:"number"`
	User   string    `json:"user"`
	Title  string    `json:"title"`
	At     time.Time `json:"at"`
}

// service plays titles. It never waits for Kafka.
type service struct {
	log   *slog.Logger
	lines *forebayslog.Handler // behind log
	plays *event.Event[Play]
}

func newService(p *producer.Producer) (*service, error) {
	lines, err := forebayslog.New(p, logsTopic, &forebayslog.Options{
		Fields: []slog.Attr{slog.String("service", "player")},
	})
	if err != nil {
		return nil, err
	}
	plays, err := event.New(p, playsTopic, event.JSON[Play](),
		event.KeyBy(func(play Play) string { return play.User }), // a user's plays keep their order
		event.Priority(routing.High))
	if err != nil {
		return nil, err
	}
	return &service{log: slog.New(lines), lines: lines, plays: plays}, nil
}

// play plays a title: it sends an event, and logs a line.
func (s *service) play(play Play) error {
	if err := s.plays.Send(play); err != nil {
		s.log.Error("play not sent", "number", play.Number, "err", err)
		return err
	}
	s.log.Info("play", "number", play.Number, "user", play.User)
	return nil
}
