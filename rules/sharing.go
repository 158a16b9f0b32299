package rules

import "github.com/virt-audit/virt-audit/audit"

var sharing = []*audit.Rule{}
