package rules

import "github.com/virt-audit/virt-audit/audit"

var processors = []*audit.Rule{}
