package rules

import "github.com/virt-audit/virt-audit/audit"

var secrets = []*audit.Rule{}
