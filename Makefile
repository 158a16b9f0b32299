# CI calls only these targets. Tools that only developers need are run by pinned version, so that they stay
# out of go.mod.
GO       ?= go
LINT     := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# All packages; "./..." skips those below testdata.
PACKAGES := ./... $(shell find ./testdata -mindepth 1 -name testdata -prune -o -name '*.go' -exec dirname {} \; | sort -u)
FUZZTIME ?= 60s

.PHONY: all build check test tools knots lint fmt docs validate corpus differential fuzz bench clean dist packages sbom

all: build lint test

# build is reproducible: the same source and the same Go version give the same bytes. TAGS omit what urfave/cli
# brings for its own man pages, which is not used.
TAGS    := urfave_cli_no_docs
BINARY  ?= virt-audit
VERSION ?= $(shell sh packaging/version.sh)
build:
	CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath -buildvcs=false -ldflags='-s -w -X main.version=$(VERSION)' -o '$(BINARY)' ./cmd/virt-audit

# dist builds everything that is published, in dist/; packages and sbom build their part of it.
dist:
	VERSION='$(VERSION)' sh packaging/build.sh

packages:
	VERSION='$(VERSION)' STEPS=packages sh packaging/build.sh

sbom:
	VERSION='$(VERSION)' STEPS=sbom sh packaging/build.sh

# tools installs the commands that the tests compare with: a real virsh, xmllint, virt-xml.
tools:
	@sh testdata/tools.sh

# check is for every change: it needs nothing but Go. What needs more is skipped, with a reason that -v prints
# (testdata/need).
check:
	$(GO) vet $(PACKAGES)
	$(GO) test -short -count=1 -timeout 5m $(PACKAGES)
	@echo "check: tests of real programs (libvirtd, browsers, packages) are left to make test"

# test runs every test once. What several goroutines execute is tested with the race detector: all tests of
# RACED_PACKAGES, and the tests RACED of other packages. For one goroutine, it only takes ten times as long: all other
# tests run without it, and with coverage. testdata/house checks which test runs where.
RACED_PACKAGES := audit/collect audit/collect/live audit/files audit/pipeline testdata/need
RACED := TestIndexParallel|TestConcurrent|TestStable|TestStream|TestEnded|TestEndedOpening|TestEndedUnread|TestHookInput|TestHookReadsNothing|TestHookFindsTheSame|TestScriptNoAnswer
RACED_OTHERS = $(filter-out $(RACED_PACKAGES:%=./%),$(shell grep -rlwE '^func ($(RACED))' --include='*_test.go' . | xargs -n 1 dirname | sort -u))
UNRACED_PACKAGES = $(filter-out $(addprefix %/,$(RACED_PACKAGES) packaging),$(shell $(GO) list $(PACKAGES)))
# -timeout is per package, and includes the time that a test waits for others (need.Alone).
TESTFLAGS := -count=1 -timeout 30m
PLACES    := $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))

# DECIDING are the packages that decide something: 90 % of their statements must run in tests.
DECIDING := audit audit/domxml audit/edit audit/fleet audit/policy audit/host audit/baseline audit/config rules rules/fleet rules/local
comma    := ,
space    := $(subst ,, )
COVERED  := $(subst $(space),$(comma),$(DECIDING:%=./%))

# What packaging starts mostly uses one CPU, so it runs together with the rest. A package that waits for another
# (need.Alone) takes a place, so there is one more than CPUs.
test: tools
	$(GO) vet $(PACKAGES)
	@profile=$$(mktemp) one=$$(mktemp); trap 'rm -f $$profile $$one' EXIT; set -x; \
	( code=0; \
		$(GO) test $(TESTFLAGS) ./packaging || code=1; \
		$(GO) test $(TESTFLAGS) -race $(RACED_PACKAGES:%=./%) || code=1; \
		$(GO) test $(TESTFLAGS) -race -run='^($(RACED))$$' $(RACED_OTHERS) || code=1; \
		exit $$code ) & others=$$!; code=0; \
	$(GO) test $(TESTFLAGS) -p=$(PLACES) -skip='^($(RACED))$$' -coverpkg=$(COVERED) -coverprofile=$$profile $(UNRACED_PACKAGES) || code=1; \
	wait $$others || code=1; [ $$code = 0 ] || exit 1; \
	set +x; \
	for p in $(DECIDING); do \
		{ echo 'mode: set'; grep "^[^:]*/virt-audit/$$p/[^/]*\.go:" $$profile; } >$$one; \
		total=$$($(GO) tool cover -func=$$one | awk '/^total:/ { sub("%","",$$3); print $$3 }'); \
		echo "coverage of $$p: $$total % ($$(wc -l <$$one) blocks)"; \
		awk -v n="$$total" 'BEGIN { exit !(n >= 90) }' || exit 1; \
	done

# knots prints lines and largest knot of every package (testdata/house), and what holds PACKAGE's knot together.
PACKAGE ?=
knots:
	@$(GO) test ./testdata/house -run '^TestKnots$$' -count=1 -v -args -package='$(PACKAGE)' | sed 's/^ *house_test.go:[0-9]*: //'

# lint also checks the words of all prose: testdata/words/words.txt is the list, and
# "go run ./testdata/words PATH..." checks a part.
lint:
	$(LINT) run $(PACKAGES)
	$(GO) test ./testdata/words
	$(GO) run ./testdata/words

fmt:
	$(LINT) fmt

# docs writes all generated text: schema, page and example of the configuration, the rules page, the tables
# in the README, the man page, the goldens of formats and of common guests.
docs:
	$(GO) test ./audit/config -run TestGenerated -update
	$(GO) test ./rules -run TestNoise -update
	$(GO) test ./cmd/virt-audit -run "TestGenerated|TestGolden|TestManual" -update

# validate checks every document of the repository against libvirt's own schema.
validate: tools
	$(GO) test ./rules -run TestValid -v

# corpus prints how often each rule fires over real documents, if they are available.
corpus:
	$(GO) test ./rules -run TestCorpus -v -count=1

# differential compares how virt-audit and a real libvirtd read COUNT mutated documents. ROOT is a
# directory with another libvirt and QEMU, as testdata/differential/root.sh creates it; OUT is the directory
# for a minimised document of each kind of difference.
COUNT ?= 100000
SEED  ?= 1
ROOT  ?=
OUT   ?=
differential: tools
	$(GO) test ./testdata/differential -run '^TestDifferential$$' -count=1 -timeout 0 -v -args \
		-documents='$(COUNT)' -seed='$(SEED)' -root='$(abspath $(ROOT))' -out='$(abspath $(OUT))' -corpus -minimise=200 -table

fuzz:
	$(GO) test ./audit/domxml -run "^$$" -fuzz FuzzScan -fuzztime $(FUZZTIME)
	$(GO) test ./audit/domxml -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME)
	$(GO) test ./audit/domxml -run '^$$' -fuzz FuzzSplit -fuzztime $(FUZZTIME)
	$(GO) test ./audit/domxml -run '^$$' -fuzz FuzzJSON -fuzztime $(FUZZTIME)
	$(GO) test ./audit/edit -run '^$$' -fuzz FuzzApply -fuzztime $(FUZZTIME)
	$(GO) test ./audit/host -run '^$$' -fuzz FuzzQEMUConf -fuzztime $(FUZZTIME)
	$(GO) test ./rules -run '^$$' -fuzz FuzzRules -fuzztime $(FUZZTIME)
	$(GO) test ./rules -run '^$$' -fuzz FuzzFixes -fuzztime $(FUZZTIME)
	$(GO) test ./audit/config -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME)
	$(GO) test ./audit/baseline -run '^$$' -fuzz FuzzParse -fuzztime $(FUZZTIME)
	$(GO) test ./audit/report -run '^$$' -fuzz FuzzEscape -fuzztime $(FUZZTIME)
	$(GO) test ./audit/report -run '^$$' -fuzz FuzzMarkdown -fuzztime $(FUZZTIME)
	$(GO) test ./rules/local -run '^$$' -fuzz FuzzCompile -fuzztime $(FUZZTIME)
	$(GO) test ./audit/collect -run '^$$' -fuzz FuzzImage -fuzztime $(FUZZTIME)
	$(GO) test ./audit/collect/live -run '^$$' -fuzz FuzzDaemon -fuzztime $(FUZZTIME)

bench: tools
	$(GO) test ./audit/domxml ./rules -run '^$$' -bench . -benchmem
	@$(GO) test ./cmd/virt-audit -run '^$$' -bench BenchmarkHostile -benchtime 1x -timeout 30m
	@sh testdata/bench.sh

clean:
	rm -rf virt-audit dist
