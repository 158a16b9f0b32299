package audit

import "slices"

// VerdictIs reports whether one of the reasons led to the boundary verdict. The finding then
// depends on the host's capabilities, unless the document alone decides the reason. Rules write the
// reasons as literals; a test compares them with those of the policy.
func (p *Pass) VerdictIs(reasons ...string) bool {
	if len(reasons) > 1 || reasons[0] != "not-qemu" {
		p.DependsOn(NeedCapabilities)
	}
	return slices.Contains(reasons, string(p.Boundary.Reason))
}
