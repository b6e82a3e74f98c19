package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/forebay-go/forebay/bench/drive"
)

// driveCommand is one client in this process: see package drive.
func driveCommand(args []string) error {
	flags := flag.NewFlagSet("drive", flag.ContinueOnError)
	name := flags.String("client", "", "which client")
	text := flags.String("load", "", "what it has to do, as JSON of drive.Load")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var l drive.Load
	if err := json.Unmarshal([]byte(*text), &l); err != nil {
		return fmt.Errorf("read -load: %w", err)
	}
	// Clients are not closed: what is left over a dead broker takes its time, and the process ends
	// anyway.
	return json.NewEncoder(os.Stdout).Encode(drive.Run(*name, &l, os.Stdin, os.Stdout))
}
