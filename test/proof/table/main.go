// Command table writes docs/reliability.md from what the tests of faults left in a folder: their
// cases, the mutants, and the last lines of a soak, if it has a soak.txt.
//
//	go run ./test/proof/table folder > docs/reliability.md
//
// It fails if a case names a fault or an invariant that the document does not explain.
package main

import (
	"fmt"
	"os"
	"runtime"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: table folder")
	}
	seen, err := read(os.Args[1])
	if err != nil {
		return err
	}
	seen.when = time.Now().UTC().Format(time.DateOnly)
	seen.where = fmt.Sprintf("%s, %s/%s, %d processors", runtime.Version(), runtime.GOOS,
		runtime.GOARCH, runtime.NumCPU())
	_, err = os.Stdout.WriteString(seen.page())
	return err
}
