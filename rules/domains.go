package rules

import "github.com/virt-audit/virt-audit/audit"

var domains = []*audit.Rule{}

var indexers = []audit.Indexer{}
