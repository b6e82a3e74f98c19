package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/producer"
)

func newProduce() *cobra.Command {
	s := new(settings)
	cmd := &cobra.Command{
		Use: "produce {--brokers host:port[,...] | --config file} --topic name [flags] " +
			"[file...]",
		Short:   "Send each line of files, or of standard input, as one record",
		Long:    produceLong,
		Example: produceExample,
		RunE: func(cmd *cobra.Command, files []string) error {
			return produce(cmd, s, files)
		},
	}
	cmd.DisableFlagsInUseLine = true
	s.register(cmd.Flags())
	cmd.Flags().SortFlags = false // they come in the order of use
	return cmd
}

// produce does what the command says. The error is what is wrong with the command, when nothing was
// sent, or an exitError.
func produce(cmd *cobra.Command, s *settings, files []string) error {
	if err := s.check(cmd.Flags().Changed); err != nil {
		return err
	}
	in, err := newInput(files, cmd.InOrStdin())
	if err != nil {
		return err
	}
	screen := newDisplay(cmd.ErrOrStderr(), in.typed, s.quiet)
	room, failed := newRoom(), new(failures)
	cfg, err := s.load(cmd.Flags().Changed)
	if err != nil {
		return err
	}
	p, err := producer.New(cfg,
		producer.WithLogger(zap.New(warnings{screen, zap.WarnLevel})),
		producer.WithDelivery(func(rep producer.Report) {
			room.report(rep)
			failed.report(rep)
		}))
	if err != nil {
		return inFlags(err)
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if s.file != "" {
		defer s.watch(cmd.Context(), cfg, p, screen, cmd.Flags().Changed)()
	}
	reading, closing, stop := interrupts(cmd.Context(), signals, s.closeTimeout)
	defer stop()

	route, err := s.route(cfg, cmd.Flags().Changed)
	if err != nil {
		return err
	}
	j := job{p: p, in: in, screen: screen, settings: s, cluster: route.cluster}
	j.feed = &feed{
		send:      p.Send,
		pending:   func() uint64 { return p.Stats().Total.Pending },
		room:      room,
		record:    producer.Record{Topic: s.topic, Priority: route.priority},
		separator: s.separator(),
		largest:   route.largest,
		raw:       s.raw,
		say:       screen.say,
	}
	res := j.run(reading, closing)
	if res.fatal != nil {
		return res.fatal
	}
	for _, line := range failed.lines() {
		screen.say(line)
	}
	if !s.quiet || !res.complete() {
		screen.say(res.String())
	}
	if code := res.code(); code != exitOK {
		return exitError(code)
	}
	return nil
}
