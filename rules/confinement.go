package rules

import "github.com/virt-audit/virt-audit/audit"

var confinement = []*audit.Rule{}
