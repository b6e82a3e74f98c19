# make help lists the tasks.

LINTER := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SCHEDULES ?= 100

.PHONY: help test vet lint race virtual examples fuzz bench

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: vet lint virtual race examples ## everything that CI runs; needs Go, Java 17 and Maven

vet: ## go vet
	go vet -tags synctests ./...

lint: ## the linters of .golangci.yml
	go run $(LINTER) run --build-tags synctests ./...

race: ## all tests with the race detector, on embedded and on real Kafka
	go test -race -timeout 15m ./...

virtual: ## outages of a day and random ones in virtual time; SCHEDULES=n draws n of them
	go test -race -tags synctests -timeout 10m -run '^TestVirtual' ./producer -rapid.checks=$(SCHEDULES)

examples: ## run the examples
	go run ./examples/quickstart

fuzz: ## the fuzz targets, half a minute each
	go test ./buffer -run '^$$' -fuzz '^FuzzBatch' -fuzztime 30s
	go test ./buffer -run '^$$' -fuzz '^FuzzReadRecord' -fuzztime 30s

bench: ## the figures of the README, beside franz-go; wants a quiet machine, and takes a quarter of an hour
	go test -run '^$$' -bench . -benchtime 1x -timeout 60m . 
