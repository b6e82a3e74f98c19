// Command settingsdoc writes docs/settings.md from the doc comments of producer.Config:
//
//	go run ./internal/settingsdoc > docs/settings.md
package main

import (
	"fmt"
	"os"
)

func main() {
	page, err := page(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(page)
}
