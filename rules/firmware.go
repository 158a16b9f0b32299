package rules

import "github.com/virt-audit/virt-audit/audit"

var firmware = []*audit.Rule{}
