# make help lists the tasks.

LINTER := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SCHEDULES ?= 1000
SIEGES ?= 60
MINUTES ?= 10
SEED ?= 0
ROUNDS ?= 5

# The modules of go.work, and all packages in them. bench and ops, which need much, have one each.
MODULES := . audit cmd/forebay config event/avro event/protobuf event/registry examples logs/otel metrics/otel metrics/prom test tracing watermill
PACKAGES := ./... $(patsubst %,./%/...,$(filter-out .,$(MODULES)))

.PHONY: modules tidy release virtuals schedules fallbacks
.PHONY: docs help test vet cross lint virtual explore hostile race ops examples compat soak mutants reliability fuzz bench peers

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# In virtual time one processor works and the other has nothing to do, and with real Kafka both wait
# most of the time: so two of these run beside each other, and a make that can keeps their output apart.
# The linters have go vet among them.
test: modules cross ## everything that CI runs; needs Go, Java 17 and Maven
	$(MAKE) -j2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) race lint schedules virtuals hostile fallbacks ops examples

modules: ## each module has in its go.mod what it needs, and no more
	set -e; for module in $(MODULES) bench ops; do (cd $$module && GOWORK=off go mod tidy -diff); done

tidy: ## put that right
	set -e; for module in $(MODULES) bench ops; do (cd $$module && GOWORK=off go mod tidy); done

release: ## every go.mod as it is tagged: the others in VERSION=v0.2.0, and none replaced
	for module in $(MODULES); do \
		sed -i.bak -E -e 's#(forebay-go/forebay[^ ]*) v[0-9][^ ]*#\1 $(VERSION)#' -e '/^replace \($$/,/^\)$$/d' -e '/^replace /d' $$module/go.mod; \
		rm $$module/go.mod.bak; \
	done

vet: ## go vet
	go vet -tags synctests,soak,mutants,compat $(PACKAGES)

# Types, and not go vet: that compiles all dependencies for each platform, and what it finds beside types
# is the same on all. Where the processor can, the tests of what counts in ints run in 32 bits too.
cross: ## the types for 32 bits, Windows, macOS and a big-endian processor
	go run ./internal/typecheck -tags synctests,soak,mutants,compat linux/386,windows/amd64,darwin/arm64,linux/s390x $(PACKAGES)
	if [ "$$(go env GOHOSTOS)/$$(go env GOHOSTARCH)" = linux/amd64 ]; then GOARCH=386 go test ./buffer ./config ./partitioner ./internal/gate; fi

lint: ## the linters of .golangci.yml
	go run $(LINTER) run --build-tags synctests,soak,mutants,compat $(PACKAGES)
	cd ops && go run $(LINTER) run ./...

# These take minutes with the race detector. The others have one processor with it: a bubble's timers run in one context of the detector,
# and two threads that run some at the same time, the bubble's own and that of who looks at a channel, spoil it now and then. It crashes, then.
LONG := ^TestVirtual_(Connections|Linger|F23_AThousand|F5_ResumesAfterOutages|DeliversEverythingAfterADay|F15_HighGoesBeforeLow|F14_FlappingSwitches|F9_AStormOfErrors|F18_AnHourOf|Spread|Zones|OneRequest|Load|Explore|MetadataCosts|F14_RecordsFar|F14_ATopicThatWasIdle|F1_TheBoundHolds|F26_Troubles|F13_ANewConnection|F13_AnotherCluster|F2_AttemptsAndLogLines|F9_ARenewal|F23_AHerd|Diskless)

virtual: virtuals schedules fallbacks ## faults in virtual time, then random ones; SCHEDULES=n draws n of them, in two shards

virtuals:
	go test -race -cpu 1 -tags synctests -timeout 20m -run '^TestVirtual' -skip '^TestVirtual_Hostile|$(LONG)' ./event ./producer ./test/producer -rapid.checks=10
	go test -race -cpu 1 -tags synctests -run '^TestVirtual' ./cmd/forebay/internal/calibrate ./kgocompat ./test/logs ./test/registry ./watermill

schedules:
	go test -tags synctests -timeout 20m -run '$(LONG)|^TestVirtual_SurvivesRandomSchedules' ./test/producer -rapid.checks=$$(($(SCHEDULES) / 2))

fallbacks:
	go test -tags synctests -timeout 20m -run '^TestVirtual_SurvivesRandomFallbacks' ./test/producer -rapid.checks=$$(($(SCHEDULES) / 16))

explore: ## every sequence of 3 steps that numbers and owners can go through, and of 4 of the steps that matter most; takes half an hour
	go test -tags synctests -timeout 3h -run '^TestVirtual_Explore$$' ./test/producer -explore=3

hostile: ## brokers that answer nonsense and lies, in virtual time; SIEGES=n draws n of each kind
	go test -tags synctests -timeout 20m -run '^TestVirtual_Hostile' ./test/producer -rapid.checks=$(SIEGES)

race: ## all other tests with the race detector, on embedded and on real Kafka
	go test -race -timeout 20m $(PACKAGES)

# What lies outside of a module, such as docs/, does not have Go run its tests again: hence -count 1.
ops: ## what has a module of its own: dashboard, alert rules, runbook and the page in a browser; the bench
	cd ops && go vet ./... && go test ./...
	cd ops && go test -count 1 -run Kubernetes .
	cd bench && go vet ./... && go test ./...

examples: ## run the examples
	go run ./examples/quickstart
	go run ./examples/failover
	go run ./examples/httpservice
	go run ./examples/events
	go run ./examples/audit

compat: ## every codec on real Kafka from 1.1 (with ZooKeeper) to the newest; gets their jars from Maven Central the first time
	go test -tags compat -timeout 20m -count 1 -v -run '^TestKafka_Compat' ./test/producer

soak: ## a fleet of twenty as it is simulated, high beside a flood of low on three real clusters, brokers that restart while names do not resolve for a minute, the audit of 10 million records and of 20 rolling restarts, then two producers on three real brokers with random faults; MINUTES=n, SEED=n draws the same again
	go test -tags soak -count 1 -v -run '^TestKafka_AFleet' ./cmd/forebay/internal/simulate
	go test -count 1 -v -run '^TestKafka_F15_HighLoses' ./test/producer
	go test -tags soak -count 1 -v -run '^TestKafka_F13_NamesAre' ./test/producer
	go test -tags soak -count 1 -timeout 2h -v -run '^TestKafka_F21_(OneLossAndOneCopy|NothingIsFound)' ./test/audit
	go test -tags soak -count 1 -timeout 0 -v -run '^TestSoak$$' ./test/soak -minutes=$(MINUTES) -seed=$(SEED)

mutants: ## broken builds, each of which a test must notice
	go test -tags mutants -count 1 -timeout 30m -v ./test/mutants

# SOAK=file brings in the last lines of a soak. A suite that fails writes nothing.
reliability: ## all tests of faults and all mutants, and docs/reliability.md from what they have counted
	set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; export RELIABILITY_FOLDER="$$folder"; \
	if [ -n "$(SOAK)" ]; then cp "$(SOAK)" "$$folder/soak.txt"; fi; \
	$(MAKE) virtual hostile race mutants; \
	mkdir -p docs; go run ./test/proof/table "$$folder" > "$$folder/reliability.md"; cp "$$folder/reliability.md" docs/

docs: ## docs/settings.md, from the doc comments of producer.Config
	go run ./internal/settingsdoc > docs/settings.md.new && mv docs/settings.md.new docs/settings.md

fuzz: ## the fuzz targets, half a minute each
	go test ./buffer -run '^$$' -fuzz '^FuzzBatch' -fuzztime 30s
	go test ./buffer -run '^$$' -fuzz '^FuzzReadRecord' -fuzztime 30s
	go test ./internal/cluster -run '^$$' -fuzz '^FuzzSensible' -fuzztime 30s
	go test ./internal/cluster -run '^$$' -fuzz '^FuzzProduceAnswer' -fuzztime 30s
	go test ./internal/cluster -run '^$$' -fuzz '^FuzzMetadataMerge' -fuzztime 30s
	go test ./config -run '^$$' -fuzz '^FuzzLoad' -fuzztime 30s
	go test ./event -run '^$$' -fuzz '^FuzzJSON' -fuzztime 30s
	go test ./event/avro -run '^$$' -fuzz '^FuzzAppend' -fuzztime 30s
	go test ./event/protobuf -run '^$$' -fuzz '^FuzzNew' -fuzztime 30s
	go test ./health -run '^$$' -fuzz '^FuzzHandler' -fuzztime 30s
	go test ./event/registry -run '^$$' -fuzz '^FuzzReadLock' -fuzztime 30s
	go test ./cmd/forebay/internal/fleet -run '^$$' -fuzz '^FuzzParse' -fuzztime 30s
	go test ./logs/slog -run '^$$' -fuzz '^FuzzHandler' -fuzztime 30s
	go test ./logs/zap -run '^$$' -fuzz '^FuzzCore' -fuzztime 30s
	go test ./logs/otel -run '^$$' -fuzz '^FuzzExporter' -fuzztime 30s

bench: ## the figures of the README, beside franz-go; wants a quiet machine, and takes a quarter of an hour
	go test -run '^$$' -bench . -benchtime 1x -timeout 60m ./test/bench

peers: ## Forebay beside every producer that a Go service could pick, in bench/; some hours on a quiet machine; ROUNDS=n
	cd bench && go run . -rounds $(ROUNDS)
