package fixing

import (
	"fmt"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/manager"
)

// editable returns why no fix can be applied to a domain, or "".
func editable(d *audit.Domain) string {
	switch {
	case d.Wrapped():
		return "the domain is part of another document, which libvirt writes: the fix belongs into the stored definition"
	case d.Origin.Kind == audit.Saved:
		return "a saved state is restored as it is: the fix belongs into the stored definition"
	case d.Origin.Host != "" && d.Origin.Kind != audit.Stored:
		return "libvirt has no stored definition of this guest"
	}
	return ""
}

// Stored judges the document that libvirt stores after it was given After: libvirt completes a
// definition, and may add what a fix removed. It replaces Left.
func (d *Domain) Stored(data []byte) error {
	if err := d.fixer.judge(data); err != nil {
		return err
	}
	d.Left = d.fixer.left()
	return nil
}

// left returns the findings of the last version. A finding that the document had at first has its
// position there: a difference that is printed leaves the file as it is.
func (f *fixer) left() []Left {
	at := map[string][]audit.Pos{}
	if f.edited {
		for i := range f.first.Findings {
			key := f.first.Fingerprint(&f.first.Findings[i])
			at[key] = append(at[key], f.first.Findings[i].Pos)
		}
	}
	out := make([]Left, 0, len(f.res.Findings))
	for i := range f.res.Findings {
		l := Left{Finding: f.res.Findings[i], Reason: f.reason(&f.res.Findings[i])}
		key := f.res.Fingerprint(&l.Finding)
		if before := at[key]; len(before) > 0 {
			l.Was, at[key] = before[0], before[1:]
		}
		out = append(out, l)
	}
	return out
}

// reason returns why a finding has no applied fix.
func (f *fixer) reason(finding *audit.Finding) string {
	x, ok := f.choose(f.res, finding)
	if !ok {
		return f.notApplicable(finding)
	}
	if f.domain == nil {
		return "the document changed while it was read"
	}
	if why := editable(f.domain); why != "" {
		return why
	}
	if f.tried[f.res.Fingerprint(finding)] > 0 {
		return "its fix was applied, and it is there again"
	}
	if _, err := edit.Apply(f.domain, x.Edits); err != nil {
		return fmt.Sprintf("its fix cannot be applied: %v", err)
	}
	return "its fix can be applied after the others: repeat the command"
}

// notApplicable returns why none of a finding's fixes may be applied.
func (f *fixer) notApplicable(finding *audit.Finding) string {
	if m := f.res.Manager; m.Owns() && !f.Owned {
		if setting, ok := manager.Setting(m, finding.Rule.ID); ok && !setting.General {
			return "in " + m.Name() + ": " + setting.Text
		}
		return m.Name() + " writes this definition again: change the guest there"
	}
	if x, ok := finding.Recommended(); ok && x.Safety == audit.Manual {
		return x.Safety.String() + ": " + x.Text
	}
	return notSelected(finding)
}

func notSelected(f *audit.Finding) string {
	for _, x := range f.Fixes {
		if x.Applicable() {
			return fmt.Sprintf("%s, --unsafe makes it: %s", x.Safety, x.Text)
		}
	}
	if x, ok := f.Recommended(); ok {
		return fmt.Sprintf("%s: %s", x.Safety, x.Text)
	}
	return "virt-audit has no fix for it"
}
