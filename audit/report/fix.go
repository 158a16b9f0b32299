package report

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/manager"
)

// Advice is how to resolve a finding: what every format prints of its recommended fix. The texts are
// as foreign as names are, and a format escapes them in the same way.
type Advice struct {
	// Manager is the name of the application that owns the guest, if the text is about a setting
	// of it: the application would undo a change of the document.
	Manager string
	Text    string   // sentences, or an imperative without a period
	Safety  string   // the word for it; "" for a manager, and for a rule that describes its fix only
	Diff    []string // lines that begin with " ", "-" or "+"; nil if the document is not to be changed
	Command string   // one line of a shell, which applies the fix; "" if a person must make it
	// fixes are all ways to resolve the finding that the document allows, for formats of programs.
	fixes []audit.Fix
}

// AdviceFor returns the advice about a guest of which it is known only that it is one of the libvirt
// with the URI, whatever document was judged.
func AdviceFor(uri string, r *audit.Result, f *audit.Finding) Advice {
	there := *r
	there.Origin.Host = uri
	return (&Options{}).advice(&there, f)
}

// advice returns how to resolve a finding about a guest.
func (o *Options) advice(r *audit.Result, f *audit.Finding) Advice {
	fix, ok := f.Recommended()
	a := Advice{Text: fix.Text, Safety: fix.Safety.String(), fixes: f.Fixes}
	if !ok {
		a = ruleAdvice(f.Rule, r.Name)
	}
	// With one of these, the document is not what has to be changed.
	switch {
	case r.Manager.Owns():
		a.Command, a.fixes = "", nil
		setting, ok := manager.Setting(r.Manager, f.Rule.ID)
		switch {
		case !ok: // the rule is not about the definition
		case setting.General:
			a = Advice{Manager: r.Manager.Name(), Text: strings.TrimSuffix(a.Text, ".") + ". " + setting.Text}
		default:
			a = Advice{Manager: r.Manager.Name(), Text: setting.Text}
		}
		return a
	case f.Drift == audit.UntilRestart:
		return Advice{Safety: audit.Manual.String(), Text: "Shut the guest down and start it again: its definition is fixed already"}
	case r.Copied():
		if fix.Applicable() {
			a.Text = "In the guest's definition: " + a.Text
		}
		a.fixes = slices.Clone(a.fixes)
		for i := range a.fixes {
			a.fixes[i].Changes, a.fixes[i].Diff = nil, ""
		}
		return a
	}
	if fix.Applicable() {
		a.Command = o.fixCommand(r, f.Rule, fix.Safety)
		if fix.Diff != "" {
			a.Diff = strings.Split(strings.TrimSuffix(fix.Diff, "\n"), "\n")
		}
	}
	return a
}

// ruleAdvice returns the advice of a rule without fixes of its findings: the text before the first
// command, and that command with the guest's name.
func ruleAdvice(r *audit.Rule, guest string) (a Advice) {
	var text []string
	for line := range strings.SplitSeq(r.Fix, "\n") {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			// A line feed in the name would begin another command.
			if guest = printable(guest); guest != "" {
				command = strings.ReplaceAll(command, "DOMAIN", shellQuote(guest))
			}
			a.Command = command
			break
		}
		text = append(text, strings.TrimSpace(line))
	}
	a.Text = strings.Join(text, " ")
	return a
}

// fixCommand returns the command that applies the fixes of a rule to a guest. It is "" if there is
// no file that could be changed, and if a name in the command would not be that of the guest, since
// it has characters that are not printed.
func (o *Options) fixCommand(r *audit.Result, rule *audit.Rule, safety audit.Safety) string {
	command := "virt-audit fix "
	file := ""
	if o.isFile(r.Source) {
		file = r.Source
		if absolute, err := filepath.Abs(file); err == nil {
			file = absolute
		}
	}
	switch uri := r.Connection(file); {
	case file == "" && r.Origin.Host == "":
		return ""
	case uri != "":
		guest := guestArgument(r)
		if guest == "" || printable(uri) != uri {
			return ""
		}
		command += "-c " + shellQuote(uri) + " " + shellQuote(guest)
	case clean(r.Source) != r.Source:
		return ""
	case strings.HasPrefix(r.Source, "-"):
		command += shellQuote("./" + r.Source)
	default:
		command += shellQuote(r.Source)
	}
	command += " --rule " + rule.ID
	if safety == audit.Unsafe {
		command += " --unsafe"
	}
	return command
}

// isFile reports whether a source is a file that can be changed, which standard input is not, whatever
// its name.
func (o *Options) isFile(source string) bool {
	return isFile(source) && (o.StdinName == "" || source != o.StdinName)
}

var (
	uuidForm   = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	numberForm = regexp.MustCompile(`^[0-9]+$`)
)

// guestArgument returns the name by which a command finds the guest: its UUID if the name could be
// taken for an option, an id or a UUID, if it was shortened, or if it is not printed as it is. It is
// "" if there is none.
func guestArgument(r *audit.Result) string {
	name := r.Name
	plain := name != "" && len(name) <= maxGuest && clean(name) == name && name[0] != '-'
	switch {
	case plain && !numberForm.MatchString(name) && !uuidForm.MatchString(name):
		return name
	case uuidForm.MatchString(r.UUID):
		return r.UUID
	}
	return ""
}

// maxGuest is the longest name that a running guest has: libvirt creates files with its name.
const maxGuest = 255

// label is the word before the text: "fix", or "fix (Nova)".
func (a *Advice) label() string {
	if a.Manager != "" {
		return "fix (" + a.Manager + ")"
	}
	return "fix"
}

// words is the text, with the word for what it can cost unless that is nothing.
func (a *Advice) words() string {
	if a.Safety == audit.Unsafe.String() {
		return a.Text + " (unsafe)"
	}
	return a.Text
}

// line is the advice on one line without the command.
func (a *Advice) line() string {
	return a.label() + ": " + strings.TrimSuffix(oneLine(a.words()), ".")
}

// Lines is the advice on one line, and the command on a line of its own.
func (a *Advice) Lines() []string {
	if a.Command == "" {
		return []string{a.line()}
	}
	return []string{a.line(), "$ " + a.Command}
}

// maxDiff is how many lines of a difference are shown to people.
const maxDiff = 8

// shownDiff returns a difference for people: printable, without the indentation that all lines have,
// and the beginning of it if it is long. No line looks like a command that the report advises.
func (a *Advice) shownDiff() []string {
	diff := slices.DeleteFunc(slices.Clone(a.Diff), func(l string) bool { return strings.TrimSpace(l) == "" })
	lines := make([]string, 0, maxDiff+1)
	indent := -1
	for i, l := range diff {
		if i == maxDiff {
			break
		}
		text := strings.ReplaceAll(l[1:], "\t", "  ")
		if bare := strings.TrimLeft(text, " "); bare != "" && l != " ..." {
			if n := len(text) - len(bare); indent < 0 || n < indent {
				indent = n
			}
			if strings.HasPrefix(bare, "$ ") {
				text = text[:len(text)-len(bare)] + `\x24` + bare[1:]
			}
		}
		lines = append(lines, l[:1]+text)
	}
	for i, l := range lines {
		cut := min(max(indent, 0), len(l)-1)
		if strings.Trim(l[1:1+cut], " ") != "" {
			cut = 0 // " ..."
		}
		lines[i] = l[:1] + strings.TrimRight(" "+clean(l[1+cut:]), " ")
	}
	if more := len(diff) - len(lines); more > 0 {
		lines = append(lines, "  … and "+plural(more, "more line"))
	}
	return lines
}

// fitted cuts a line of text to a width in columns.
func fitted(line string, width int) string {
	if uniseg.StringWidth(line) <= width {
		return line
	}
	used, state := 0, -1
	rest := line
	var out strings.Builder
	for rest != "" {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > width-1 {
			break
		}
		used += w
		out.WriteString(cluster)
	}
	return out.String() + "…"
}
