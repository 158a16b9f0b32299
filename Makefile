# CI calls only these targets. Tools that only developers need are run by pinned version, so that they stay
# out of go.mod.
GO       ?= go
LINT     := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
PACKAGES := ./... ./testdata ./testdata/libvirtd ./testdata/differential ./testdata/house ./testdata/need
FUZZTIME ?= 60s

.PHONY: all build test tools cover knots lint fmt docs validate corpus differential fuzz bench clean dist packages sbom

all: build lint test

# build is reproducible: the same source and the same Go version give the same bytes.
BINARY  ?= virt-audit
VERSION ?= $(shell sh packaging/version.sh)
build:
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags='-s -w -X main.version=$(VERSION)' -o '$(BINARY)' ./cmd/virt-audit

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

test: tools
	$(GO) vet $(PACKAGES)
	$(GO) test -race -count=1 -timeout 30m $(PACKAGES)
	@$(MAKE) --no-print-directory cover

# cover fails if the coverage of a deciding package is below 90 % of its statements. The tests of packaging run
# the published binary, which does not count coverage.
DECIDING := audit audit/domxml audit/policy audit/host audit/baseline audit/config rules rules/local
comma    := ,
space    := $(subst ,, )
cover:
	@all=$$(mktemp) one=$$(mktemp); trap 'rm -f $$all $$one' EXIT; \
	$(GO) test -count=1 -timeout 30m -coverpkg=$(subst $(space),$(comma),$(DECIDING:%=./%)) -coverprofile=$$all $$($(GO) list ./... | grep -v /packaging) >$$one || { cat $$one; exit 1; }; \
	for p in $(DECIDING); do \
		{ echo 'mode: set'; grep "^[^:]*/virt-audit/$$p/[^/]*\.go:" $$all; } >$$one; \
		$(GO) tool cover -func=$$one | awk -v p=$$p '/^total:/ { sub("%","",$$3); print "coverage of " p ": " $$3 " %"; exit !($$3 >= 90) }' || exit 1; \
	done

# knots prints lines and largest knot of every package (testdata/house), and what holds PACKAGE's knot together.
PACKAGE ?=
knots:
	@$(GO) test ./testdata/house -run '^TestKnots$$' -count=1 -v -args -package='$(PACKAGE)' | sed 's/^ *house_test.go:[0-9]*: //'

# lint also checks the words of all prose: testdata/words/words.txt is the list, and
# "go run ./testdata/words PATH..." checks a part.
lint:
	$(LINT) run $(PACKAGES) ./testdata/words
	$(GO) test ./testdata/words
	$(GO) run ./testdata/words

fmt:
	$(LINT) fmt

# docs writes all generated text: schema, page and example of the configuration, the rules page, the tables
# in the README, the man page, the goldens.
docs:
	$(GO) test ./audit/config -run TestGenerated -update
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
	$(GO) test ./audit/host -run '^$$' -fuzz FuzzQEMUConf -fuzztime $(FUZZTIME)
	$(GO) test ./rules -run '^$$' -fuzz FuzzRules -fuzztime $(FUZZTIME)
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
