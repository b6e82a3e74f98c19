package producer

import (
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/internal/dispatch"
	"github.com/forebay-go/forebay/partitioner"
)

// The values of Batching.Partitioner.
const (
	sticky     = "sticky"
	roundRobin = "round_robin"
)

// guardPartitioner has the application's partitioner, if there is one, watched.
func (p *Producer) guardPartitioner() {
	if own := p.options.partitioner; own != nil {
		p.options.partitioner = dispatch.Guard(own, func(what string) {
			p.log.Error("the partitioner is wrong, the default is asked instead",
				zap.String("what", what))
		})
	}
}

// forKey returns what says the partition of a key, nil for that of partitioner.Sticky.
func (p *Producer) forKey() func(topic string, key []byte, partitions int32) int32 {
	if own := p.options.partitioner; own != nil {
		return own.ForKey
	}
	return nil
}

// chooses returns who chooses the partitions of un-keyed batches, nil where any will do.
func (p *Producer) chooses(cfg *Config) partitioner.Partitioner {
	switch {
	case p.options.partitioner != nil:
		return p.options.partitioner
	case cfg.Batching.Partitioner == roundRobin:
		return partitioner.RoundRobin{}
	}
	return nil
}
