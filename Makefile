# What is done to this program, by name. Go 1.26 is needed, and for the targets
# that start a testbed (demo-cluster, e2e, cluster, bench): Linux, root, tmux;
# their first run builds a control plane and a Prometheus from source, a quarter
# of an hour.
.DEFAULT_GOAL := build
.PHONY: build demo demo-cluster test e2e cluster bench lint golden docs rbac fuzz mutate release share clean

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X rollbook/cli.version=$(VERSION)
FUZZTIME ?= 20s
# What only tests call: what is there for all of them.
TESTKIT   = \(engine/porttest/\|engine/rescuetest/\|engine/walktest/\|integrations/sendtest/\|replay/replaytest/\|ui/uitest/\|sandbox/gitlab/\|sandbox/schema/\|ways/migrate/migratetest/\|sandbox/pipe.go\|sandbox/sandbox.go.*: Start\)

# Without cgo, as kubectl is: it needs no libc, and takes 20 MB less of memory,
# since with cgo the linker keeps and exports every symbol.
build: ## bin/rollbook, stripped
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/rollbook .

demo: build ## an incident to practise on, with nothing installed
	bin/rollbook sandbox

demo-cluster: build ## the walk on a testbed with an incident under way
	cd testbed && go build -o ../bin/testbed .
	bin/testbed exec -- sh -c 'bin/testbed release backend-python errors && \
		echo "A bad release of backend-python is out; the walk opens in a minute, when its errors show." && sleep 60 && \
		KUBECONFIG="$$ROLLBOOK_CLUSTER" exec bin/rollbook -n production --config testbed/demo.yaml \
		--prometheus "$$ROLLBOOK_PROMETHEUS" --journal-dir "$$ROLLBOOK_TESTBED_DIR/journals"'

test: ## everything that needs no cluster
	go test -race -shuffle=on -timeout 40m ./...

# The rooms that have a test for it; of cli without what plays in the sandbox alone,
# which make test does with the same race detector.
E2E    = $(sort $(dir $(shell grep -rl --include=*_test.go '^//go:build.*e2e' *)))
NOE2E  = ^(TestContract|TestSchemaContract|TestScenario.*|TestWalksOverWorlds)$$

e2e: ## what needs a real control plane and Prometheus
	cd testbed && go test ./...
	cd testbed && go run . exec -- sh -c 'cd .. && go test -race -shuffle=on -tags e2e -skip "$(NOE2E)" -parallel 6 -timeout 60m $(addprefix ./,$(E2E))'

cluster: ## the testbed, to look at; Ctrl-C ends it
	cd testbed && go run . up

bench: ## speed and memory beside kubectl, with 1,000 Deployments and 5,000 pods, and with three times as many
	cd testbed && go run . exec -- sh -c 'cd .. && go test -tags e2e,bench -run "^TestBench$$" -count=1 -timeout 60m -v ./cli'

lint:
	go tool -modfile=tools.mod golangci-lint run --allow-parallel-runners
	@echo deadcode ./...
	@! go tool -modfile=tools.mod deadcode ./... | grep -v '^$(TESTKIT)'
	cd testbed && go vet ./...

golden: ## write the expected screens and messages anew; then read the diff
	UPDATE_GOLDEN=1 go test -count=1 -run Golden ./...

docs: ## what is printed from the code: the keys, and the pictures of the screen
	mkdir -p docs/pictures
	go run . keys > docs/keys.md
	ROLLBOOK_PICTURES=$(CURDIR)/docs/pictures go test -count=1 -run '^TestScenario' ./cli

rbac: ## docs/rbac, from the requests that each use makes on the testbed
	cd testbed && UPDATE_GOLDEN=1 go run . exec -- sh -c 'cd .. && go test -tags e2e -run "^TestRights$$" -count=1 ./cli'

fuzz: ## each fuzz target for a while
	@for pkg in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg || exit 1; \
		done; \
	done

# Of kube/ what plans and writes; the rest is tried on the testbed.
MUTATED ?= ./text ./metrics ./incident ./kube
MUTANTS  = go tool -modfile=tools.mod gremlins unleash --timeout-coefficient 20 --workers 2 --output-statuses lcv
mutate: ## faults put into what decides, plans, reads and redacts: which do the room's tests notice? Takes hours
	@for room in $(MUTATED); do \
		echo "$$room"; \
		$(MUTANTS) $$(test $$room != ./kube || ls kube | grep -v '^\(plan\|undo\|preflight\|check\|diff\|kinds\).*\.go$$' | sed 's/.*/-E ^&$$/') $$room || exit 1; \
	done

# What a package needs beside the program, from the program.
share: build
	rm -rf bin/share
	mkdir -p bin/share/completions
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) go run ./cli/man bin/share/man
	gzip -9n bin/share/man/*
	bin/rollbook completion bash > bin/share/completions/rollbook.bash
	bin/rollbook completion zsh > bin/share/completions/_rollbook
	bin/rollbook completion fish > bin/share/completions/rollbook.fish
	printf '#!/bin/sh\nexec rollbook __complete "$$@"\n' > bin/share/kubectl_complete-rollbook

RELEASE ?= --snapshot
# Goreleaser dates what it makes by the commit, but not where the repository has no remote.
REMOTE = $(shell git ls-remote --get-url >/dev/null 2>&1 || echo GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url GIT_CONFIG_VALUE_0=https://rollbook.invalid/rollbook.git)
release: share ## dist/: programs, packages, checksums, SBOM and krew manifest; with RELEASE= of the tag that is checked out
	$(REMOTE) go tool -modfile=tools.mod goreleaser release --clean --skip=publish,announce $(RELEASE)
	go run sigs.k8s.io/krew/cmd/validate-krew-manifest@v0.4.3 -skip-install -manifest dist/krew/rollbook.yaml

clean:
	rm -rf bin dist
