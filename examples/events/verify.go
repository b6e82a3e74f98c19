package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/forebay-go/forebay/producer"
)

// line is what verify wants to know of a log line.
type line struct {
	Number  int    `json:"number"`
	Service string `json:"service"`
	Msg     string `json:"msg"`
}

// verify returns nil only if the books balance, and each of the plays has its event and its log
// line in Kafka.
func verify(s *service, stats producer.Stats, played int, records []*kgo.Record) error {
	total := &stats.Total
	if want := uint64(2 * played); !total.Balanced() || total.Pending != 0 ||
		total.Accepted != want || total.Delivered != want {
		return fmt.Errorf("the books do not balance: %d plays, and %+v", played, *total)
	}
	if lines := s.lines.Stats(); lines.Sent != uint64(played) || lines.Drops() != 0 {
		return fmt.Errorf("log lines were dropped: %d plays, and %+v", played, lines)
	}
	plays, lines := make([]int, played), make([]int, played)
	for _, r := range records {
		if err := note(r, plays, lines); err != nil {
			return fmt.Errorf("in Kafka, and never sent: %q: %w", r.Value, err)
		}
	}
	again := total.MaybeDuplicated > 0
	return errors.Join(compare("event", plays, again), compare("log line", lines, again))
}

// note counts a record by its number.
func note(r *kgo.Record, plays, lines []int) error {
	counts, number := plays, 0
	if r.Topic == logsTopic {
		var l line
		if err := json.Unmarshal(r.Value, &l); err != nil {
			return err
		}
		if l.Service != "player" || l.Msg != "play" {
			return errors.New("not a line of this service")
		}
		counts, number = lines, l.Number
	} else {
		var play Play
		if err := json.Unmarshal(r.Value, &play); err != nil {
			return err
		}
		if string(r.Key) != play.User {
			return fmt.Errorf("the key is %q", r.Key)
		}
		number = play.Number
	}
	if number < 0 || number >= len(counts) {
		return errors.New("no such play")
	}
	counts[number]++
	return nil
}

// compare says which numbers are missing, or there twice although nothing was counted as that.
func compare(what string, counts []int, again bool) error {
	for number, n := range counts {
		if n == 0 || n > 1 && !again {
			return fmt.Errorf("the %s of play %d is in Kafka %d times", what, number, n)
		}
	}
	return nil
}
