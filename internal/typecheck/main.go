// Typecheck checks the types of packages and of their tests for other platforms. It finds what the
// compiler would: a file that one platform lacks, or a number that is too large for its int.
// It generates no code, so it takes a tenth of the time that go vet takes for such a platform.
//
//	go run ./internal/typecheck -tags soak,compat linux/386,windows/amd64 ./...
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
)

func main() {
	tags := flag.String("tags", "", "build tags, as for go build")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "typecheck: write platforms such as linux/386,windows/amd64, and "+
			"then packages such as ./...")
		os.Exit(2)
	}
	if err := checkAll(*tags, strings.Split(flag.Arg(0), ","), flag.Args()[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// checkAll checks packages for all platforms, side by side. The error has the mistakes.
func checkAll(tags string, platforms, packages []string) error {
	errs := make([]error, len(platforms))
	var wg sync.WaitGroup
	for i, name := range platforms {
		wg.Go(func() { errs[i] = checkOne(tags, name, packages) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func checkOne(tags, name string, packages []string) error {
	system, processor, ok := strings.Cut(name, "/")
	if !ok {
		return fmt.Errorf("%q: write a platform such as linux/386", name)
	}
	p := newPlatform(system, processor)
	listed, err := p.list(tags, packages)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	own := 0
	var errs []error
	for _, pkg := range listed {
		if err := p.check(pkg); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", name, pkg.ImportPath, err))
		}
		if !pkg.DepOnly {
			own++
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if own == 0 {
		return fmt.Errorf("%s: no packages", name)
	}
	fmt.Printf("%s: %d packages and tests\n", name, own)
	return nil
}
