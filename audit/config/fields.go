package config

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// The keys of the file, in the order in which the reference page has them. The schema lists the same.
var (
	topKeys = []string{
		"profiles", "enable", "disable", "severity", "fail-on", "min-severity", "policy", "qemu-version", "host-arch",
		"format", "baseline", "show-waived", "max-size", "waivers", "domain-waivers", "allow", "rules",
	}
	waiverKeys       = []string{"rule", "domain", "device", "until", "reason"}
	domainWaiverKeys = []string{"accept", "boundary", "never"}
	allowKeys        = []string{"emulators", "folders"}
	ruleKeys         = []string{"id", "title", "severity", "for", "expression", "message", "path", "doc", "fix", "url"}
)

// profileOption is the one option that has another name than its key.
const profileOption = "profile"

func (r *reader) configuration(m *ast.MappingNode) {
	r.rules = slices.Clone(r.known.Rules)
	r.ids = map[string]bool{}
	for _, id := range r.rules {
		r.ids[id] = true
	}
	// What is said of rules may be said of those further down, too.
	if local, ok := value(m, "rules").(*ast.SequenceNode); ok {
		r.localRules(local)
	}
	r.fields(m, "", topKeys, nil, func(key string, n ast.Node) {
		switch key {
		case "enable":
			r.words(n, key, func(at place, id string) {
				r.pattern(at, id)
				r.out.Enable = append(r.out.Enable, id)
			})
		case "disable":
			r.words(n, key, r.disable)
		case "severity":
			r.severities(n)
		case "waivers":
			r.items(n, key, r.waiver)
		case "domain-waivers":
			r.domainWaivers(n)
		case "allow":
			r.allow(n)
		case "rules":
			if _, done := n.(*ast.SequenceNode); !done {
				r.localRules(n)
			}
		default:
			r.setting(key, n)
		}
	})
	if r.allDisabled() {
		at := r.out.Places["disable"]
		r.fail(place{at.Line, at.Column}, "", "every rule is disabled")
	}
	for i, id := range r.out.Enable {
		if slices.Contains(r.out.Disable, id) {
			at := r.out.Places[indexed("enable", i)]
			r.fail(place{at.Line, at.Column}, "", "%q is enabled and disabled", id)
		}
	}
}

// allDisabled reports whether several patterns together mean all rules. One that does is an error of its own.
func (r *reader) allDisabled() bool {
	off := r.out.Disable
	return len(off) > 0 && !slices.ContainsFunc(off, r.meansAll) && !slices.ContainsFunc(r.rules, func(rule string) bool {
		return !slices.ContainsFunc(off, func(pattern string) bool { return match(pattern, rule) })
	})
}

// meansAll reports whether a pattern means all rules.
func (r *reader) meansAll(pattern string) bool {
	return !slices.ContainsFunc(r.rules, func(rule string) bool { return !match(pattern, rule) })
}

func (r *reader) disable(at place, id string) {
	if r.pattern(at, id) && r.meansAll(id) {
		r.fail(at, "", "%q would turn every rule off", id)
	}
	r.out.Disable = append(r.out.Disable, id)
}

func (r *reader) severities(n ast.Node) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.fail(r.place(n), "", "severity is not a mapping of rules to severities but %s", kind(n))
		return
	}
	r.out.Severity = map[string]audit.Severity{}
	r.entries(m, "severity.", func(id string, at place, n ast.Node) {
		r.rule(at, id)
		r.out.Severity[id] = r.severity(n)
	})
}

func (r *reader) severity(n ast.Node) audit.Severity {
	word, ok := r.text(n)
	if ok && r.oneOf(r.place(n), "severity", word, texts(audit.Severities())) {
		s, _ := audit.ParseSeverity(word)
		return s
	}
	return audit.Info
}

// setting reads a value that stands for an option.
func (r *reader) setting(key string, n ast.Node) {
	at := r.out.Places[key]
	s := Setting{Key: key, Option: key, Line: at.Line, Column: at.Column}
	add := func(at place, word string) {
		if v, ok := r.option(at, key, word); ok {
			s.Values = append(s.Values, v)
		}
	}
	_, list := n.(*ast.SequenceNode)
	switch {
	case key == "profiles" || key == "format" && list:
		if key == "profiles" {
			s.Option = profileOption
		}
		if l, ok := n.(*ast.SequenceNode); ok && len(l.Values) == 0 {
			r.fail(r.place(n), "leave it out if it is to say nothing", "%s lists nothing", key)
		}
		r.words(n, key, add)
	case key == "show-waived":
		s.Values = []string{strconv.FormatBool(r.flag(n, key))}
	case key == "max-size" && isInteger(n):
		add(r.place(n), n.GetToken().Value)
	default:
		if word, ok := r.text(n); ok {
			add(r.place(n), word)
		}
	}
	r.out.Settings = append(r.out.Settings, s)
}

func isInteger(n ast.Node) bool {
	_, ok := n.(*ast.IntegerNode)
	return ok
}

// option checks one value of an option, and resolves it where it is a file.
func (r *reader) option(at place, key, word string) (string, bool) {
	switch key {
	case "profiles":
		var names []string
		for _, p := range audit.Profiles() {
			names = append(names, string(p))
		}
		return word, r.oneOf(at, "profile", word, names)
	case "fail-on", "min-severity":
		return word, r.oneOf(at, "severity", word, texts(audit.Severities()))
	case "policy":
		// A word that is no edition's name is not looked for as a file: it is most likely a slip.
		if !strings.Contains(word, "/") && filepath.Ext(word) != ".yaml" && filepath.Ext(word) != ".yml" {
			return word, r.oneOf(at, "policy", word, policy.Names())
		}
		file := r.resolve(word)
		if !r.storedFile(at, key, file) {
			return "", false
		}
		if slices.Contains(policy.Names(), file) {
			file = "./" + file // which is no edition's name
		}
		return file, true
	case "qemu-version":
		if _, err := policy.ParseVersion(word); err != nil {
			r.fail(at, "", "%v", err)
			return "", false
		}
	case "host-arch":
		if !policy.KnownArch(word) {
			r.fail(at, didYouMean(nearest(word, policy.Arches())), "libvirt knows no architecture %q", word)
			return "", false
		}
	case "format":
		return r.format(at, word)
	case "baseline":
		file := r.resolve(word)
		return file, r.storedFile(at, key, file)
	case "max-size":
		if !isSize(word) {
			r.fail(at, "", "%q is not a size between 1 and %dM", word, audit.MaxSize>>20)
			return "", false
		}
	}
	return word, true
}

var size = regexp.MustCompile(`^([1-9][0-9]{0,9})([KMG]?)$`)

func isSize(word string) bool {
	m := size.FindStringSubmatch(word)
	if m == nil {
		return false
	}
	n, _ := strconv.ParseInt(m[1], 10, 64)
	return n <= audit.MaxSize>>map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[m[2]]
}

// format checks FORMAT or FORMAT:FILE. A configuration may have come with a checkout, so the files that
// it has written lie below its folder; the system's own may name others.
func (r *reader) format(at place, word string) (string, bool) {
	name, file, named := strings.Cut(word, ":")
	if strings.Contains(word, ",") { // the option would take it apart
		r.fail(at, "several formats are a list, [text, sarif:out.sarif]", "%q has a comma in it", word)
		return "", false
	}
	if !r.oneOf(at, "format", name, r.known.Formats) {
		return "", false
	}
	switch {
	case !named || file == "-":
		return name, true
	case file == "":
		r.fail(at, "", "%q names no file", word)
	case inRepository(file):
		r.fail(at, byOption, "%q lies in %s, where git keeps what it runs", file, container)
	case filepath.IsAbs(file) && r.out.Path == System:
		return name + ":" + filepath.Clean(file), true
	case !MayWrite(file):
		r.fail(at, byOption, "%q lies outside the folder of the configuration", file)
	default:
		return name + ":" + r.resolve(file), true
	}
	return "", false
}

// MayWrite reports whether format may name a file, as it is seen from the folder of the configuration. The
// configuration of the system may name others.
func MayWrite(file string) bool {
	return filepath.IsLocal(file) && !inRepository(file) && !strings.Contains(file, ",")
}

// storedFile refuses the name of an open file of the process that reads the configuration: only its caller
// knows what that is, and standard input would be waited for.
func (r *reader) storedFile(at place, key, file string) bool {
	if !isDescriptor(file) {
		return true
	}
	r.fail(at, "name it with --"+key, "%q is an open file of whoever runs this", file)
	return false
}

// resolve returns a file that is named relative to the configuration's folder as it is seen from the
// working folder.
func (r *reader) resolve(file string) string {
	if filepath.IsAbs(file) {
		return filepath.Clean(file)
	}
	return filepath.Join(r.out.Folder(), file)
}

func (r *reader) domainWaivers(n ast.Node) {
	const key = "domain-waivers"
	out := &r.out.DomainWaivers
	r.fields(n, key, domainWaiverKeys, nil, func(field string, n ast.Node) {
		switch here := key + "." + field; field {
		case "accept":
			out.Ignore = !r.flag(n, here)
		case "boundary":
			out.Boundary = r.flag(n, here)
		case "never":
			r.words(n, here, func(at place, id string) {
				r.pattern(at, id)
				out.Never = append(out.Never, id)
			})
		}
	})
}

func (r *reader) allow(n ast.Node) {
	const key = "allow"
	r.fields(n, key, allowKeys, nil, func(field string, n ast.Node) {
		r.words(n, key+"."+field, func(at place, file string) {
			switch {
			case !path.IsAbs(file):
				r.fail(at, "", "%q is not an absolute path", file)
			case path.Clean(file) != file:
				r.fail(at, "write "+path.Clean(file), "%q is not the plain form of the path", file)
			case file == "/":
				r.fail(at, "disable the rules instead if that is meant", "%q would allow everything", file)
			case field == "emulators":
				r.out.Allow.Emulators = append(r.out.Allow.Emulators, file)
			default:
				r.out.Allow.Folders = append(r.out.Allow.Folders, file)
			}
		})
	})
}
