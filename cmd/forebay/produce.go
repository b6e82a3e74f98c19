package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/forebay-go/forebay/producer"
)

func newProduce() *cobra.Command {
	f := new(flags)
	cmd := &cobra.Command{
		Use: "produce {--brokers host:port[,...] | --config file} --topic name [flags] " +
			"[file...]",
		Short:   "Send each line of files, or of standard input, as one record",
		Long:    produceLong,
		Example: produceExample,
		RunE: func(cmd *cobra.Command, files []string) error {
			return produce(cmd, f, files)
		},
	}
	cmd.DisableFlagsInUseLine = true
	f.register(cmd.Flags())
	cmd.Flags().SortFlags = false // the help lists them in the order of use
	return cmd
}

// produce runs the command. The error says what is wrong with the command line, and then nothing
// was sent; or it is an exitError.
func produce(cmd *cobra.Command, f *flags, files []string) error {
	if err := f.check(cmd.Flags().Changed); err != nil {
		return err
	}
	in, err := newInput(files, cmd.InOrStdin())
	if err != nil {
		return err
	}
	cfg, err := f.load(cmd.Flags().Changed)
	if err != nil {
		return err
	}
	j := &job{in: in, flags: f, screen: newDisplay(cmd.ErrOrStderr(), in.typed, f.quiet),
		room: newRoom(), failed: new(failures)}
	if j.p, err = producer.New(cfg,
		producer.WithLogger(zap.New(warnings{j.screen, zap.WarnLevel})),
		producer.WithDelivery(j.report)); err != nil {
		return inFlags(err)
	}
	return j.start(cmd.Context(), cfg, cmd.Flags().Changed)
}

// start runs j until its input ends or signals interrupt it, and prints the result.
func (j *job) start(ctx context.Context, cfg producer.Config,
	changed func(flag string) bool) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if j.flags.file != "" {
		defer j.flags.watch(ctx, cfg, j.p, j.screen, changed)()
	}
	reading, closing, stop := interrupts(ctx, signals, j.flags.closeTimeout)
	defer stop()
	to, err := j.flags.route(cfg, changed)
	if err != nil {
		return err
	}
	j.to(to)
	return j.finish(j.run(reading, closing))
}

// finish prints what became of the input. The error is that of a command that can send nothing, or
// an exitError.
func (j *job) finish(res result) error {
	if res.fatal != nil {
		return res.fatal
	}
	for _, line := range j.failed.lines() {
		j.screen.say(line)
	}
	if !j.flags.quiet || !res.complete() {
		j.screen.say(res.String())
	}
	if code := res.code(); code != exitOK {
		return exitError(code)
	}
	return nil
}
