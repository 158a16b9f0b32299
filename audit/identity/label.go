package identity

import (
	"slices"
	"strings"

	"libvirt.org/go/libvirtxml"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// Use is what a label is applied to.
type Use int

// The uses of labels.
const (
	None    Use = iota // nothing: the element removes confinement, or decides how files are treated
	Process            // the guest's process
	Base               // the label from which libvirt makes that of the process
	Image              // the guest's files, as libvirt recorded it
	File               // the one file or socket that the element is in
)

// Label is one statement of a document about security: a <label>, <baselabel> or <imagelabel>, or a
// <seclabel> without any of them.
type Label struct {
	Use   Use
	Model string // "selinux", "apparmor", "dac"; "" is the host's SELinux or AppArmor, "none" no driver at all
	Type  string // "dynamic", "static" or "none", as libvirt completes it; "" for a file
	Value string // the label, with the blanks around it
	Keep  bool   // libvirt does not label files with it

	At    domxml.Path // of the text, or of the element where there is none
	Owner domxml.Path // of the <seclabel>
	Live  bool        // the document is that of a running guest, whose labels all count
}

// Active reports whether libvirt uses the label. The label of a process counts if it is static, or if
// the document is that of a running guest; a base label counts if the label is dynamic and the model is
// not DAC (virSecurityLabelDefParseXML, virSecurityDACGenLabel of libvirt 9.0 and 12.8).
func (l Label) Active() bool {
	switch l.Use {
	case Process:
		return processLabelCounts(l.Type, l.Live)
	case Base:
		return l.Type == "dynamic" && l.Model != "dac"
	case Image:
		return l.Live
	case File, None:
	}
	return true
}

// processLabelCounts reports whether libvirt uses the label of a process. In a stored document it
// reads the label only if it is static; otherwise it generates the label of the running guest
// (virSecurityLabelDefParseXML).
func processLabelCounts(kind string, live bool) bool {
	return kind == "static" || live && kind != "none"
}

// DecidesOwner reports whether a <seclabel> decides which user QEMU runs as. Otherwise qemu.conf
// does, also for type 'none'.
func DecidesOwner(l *libvirtxml.DomainSecLabel, live bool) bool {
	return l.Model == "dac" && processLabelCounts(l.Type, live)
}

// KeepsOwner reports whether a <seclabel> keeps libvirt from changing the owner of files.
func KeepsOwner(seclabel domxml.Element) bool {
	model, ok := seclabel.Attr("model")
	return (!ok || model == "dac") && keeps(seclabel)
}

// keeps reports whether libvirt does not label files with a <seclabel>: relabel='no', which is the
// default for the static label of a domain and for none (virSecurityLabelDefParseXML of libvirt 9.0).
// labelskip='yes' has the same effect for a file.
func keeps(seclabel domxml.Element) bool {
	if relabel, ok := seclabel.Attr("relabel"); ok {
		return relabel == "no"
	}
	if kind, _ := seclabel.Attr("type"); seclabel.Depth == 1 && (kind == "static" || kind == "none") {
		return true
	}
	skip, _ := seclabel.Attr("labelskip")
	return skip == "yes"
}

// Mandatory reports whether the label is one of SELinux or AppArmor.
func (l Label) Mandatory() bool { return l.Model != "dac" && l.Model != "none" }

// Unconfined reports whether the host's SELinux or AppArmor does not confine the guest.
func (l Label) Unconfined() bool { return l.Mandatory() && l.Type == "none" }

// Labels returns all labels of a document, by the order of their elements: those of the domain, and
// those of files and sockets.
func Labels(d *domxml.Domain) []Label {
	var out []Label
	for e := range d.Elements() {
		if e.Name != "seclabel" {
			continue
		}
		if e.Depth == 1 {
			out = appendDomain(out, d, e)
		} else {
			out = appendFile(out, e)
		}
	}
	return out
}

func appendDomain(out []Label, d *domxml.Domain, e domxml.Element) []Label {
	base := Label{Owner: e.Path(), Live: d.Live()}
	base.At = base.Owner
	base.Model, _ = e.Attr("model")
	base.Type, _ = e.Attr("type")
	if base.Type == "" {
		base.Type = "dynamic"
	}
	if base.Model == "none" {
		base.Type = "none"
	}
	base.Keep = keeps(e)
	uses := []struct {
		name string
		use  Use
	}{{"label", Process}, {"baselabel", Base}, {"imagelabel", Image}}
	before := len(out)
	for _, u := range uses {
		for child := range e.Children(u.name) {
			l := base
			l.Use, l.Value, l.At = u.use, child.Text(), child.Path()
			out = append(out, l)
			break // libvirt reads the first
		}
	}
	if len(out) == before {
		out = append(out, base)
	}
	return out
}

// appendFile adds the label of a disk's or character device's source.
func appendFile(out []Label, e domxml.Element) []Label {
	l := Label{Use: File, Owner: e.Path()}
	l.At = l.Owner
	l.Model, _ = e.Attr("model")
	l.Keep = keeps(e)
	for child := range e.Children("label") {
		l.Value, l.At = child.Text(), child.Path()
		break
	}
	return append(out, l)
}

// Context is a label of SELinux, parsed: "system_u:system_r:svirt_t:s0:c1,c2".
type Context struct {
	User, Role, Type string
	Level            string // "s0:c1,c2", or ""
}

// ParseContext splits a label of SELinux; it is not ok without user, role and type.
func ParseContext(label string) (Context, bool) {
	fields := strings.SplitN(label, ":", 4)
	if len(fields) < 3 || slices.Contains(fields[:3], "") {
		return Context{}, false
	}
	c := Context{User: fields[0], Role: fields[1], Type: fields[2]}
	if len(fields) == 4 {
		c.Level = fields[3]
	}
	return c, true
}

// Run is a user or group that a document names for a process or for access to files elsewhere than
// in a label.
type Run struct {
	Account Account
	Group   bool
	Valid   bool   // libvirt can read it
	Written string // as the document has it
	At      domxml.Path
}

// Runs returns the users and groups that a document names outside of its labels: those of a
// container's first process, and those that its command line makes QEMU use.
func Runs(d *domxml.Domain) []Run {
	var out []Run
	add := func(text string, group bool, at domxml.Path) {
		a, ok := ParseAccount(text)
		out = append(out, Run{a, group, ok, text, at})
	}
	for os := range d.Root().Children("os") {
		for e := range os.Children("inituser") {
			add(e.Text(), false, e.Path())
		}
		for e := range os.Children("initgroup") {
			add(e.Text(), true, e.Path())
		}
	}
	for _, o := range d.Command.Named("runas", "run-with") {
		value := o.Value
		if o.Name == "run-with" {
			var ok bool
			if value, ok = o.Get("user"); !ok {
				continue
			}
		}
		user, group, both := strings.Cut(value, ":")
		add(user, false, o.At)
		if both {
			add(group, true, o.At)
		}
	}
	return out
}
