package audit

import "github.com/virt-audit/virt-audit/audit/edit"

// RemoveOption returns the edits that remove the option of the passthrough command line that a path
// is in; none if it is in no option.
func (p *Pass) RemoveOption(at Path) []edit.Edit {
	if o, ok := p.OptionAt(at); ok {
		return edit.RemoveOption(o)
	}
	return nil
}

// Put returns the edit that puts an element below another. It takes the place of the one of its name
// that is there, the first if there are several.
func (p *Pass) Put(below Path, name, element string) edit.Edit {
	if at := below.Elem(name); p.Has(at) {
		return edit.Replace(at, element)
	}
	return edit.Insert(below, element)
}
