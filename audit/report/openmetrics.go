package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// The metrics are for the textfile collector of node_exporter, which reads the Prometheus text
// format only: it rejects a file with a time stamp, or with a type that only OpenMetrics has, such
// as "info" (https://github.com/prometheus/node_exporter/issues/1988,
// https://github.com/phyber/jail_exporter/issues/287). So all families are gauges, which both
// formats have; those whose name ends in _info have the value 1 and labels. What OpenMetrics
// requires in addition, no empty line, no comment and "# EOF" at the end, is a comment in the text
// format
// (https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information,
// https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#abnf).
//
// The number of series per guest and per rule is fixed. There is no series per finding: their
// number is not bounded, and a series with a line or a message in its labels ends with every edit
// of a document. The place of findings is as precise as the labels of the guest, which include the
// source, and the defect is the title of the rule in virt_audit_rule_info; other formats have line
// and message.

// maxLabel is how many code points of a label's value are kept: a path is whole, a name that fills
// a screen is not. Texts of rules are whole up to maxText.
const (
	maxLabel = 200
	maxText  = 2000
)

// family is the metrics of one name, which must be adjacent.
type family struct {
	name, help string
	body       spool
	empty      bool
}

func newFamily(name, help string) *family { return &family{name: name, help: help, empty: true} }

func (f *family) add(labels string, value int64) error {
	f.empty = false
	if labels != "" {
		labels = "{" + labels + "}"
	}
	_, err := io.WriteString(&f.body, f.name+labels+" "+strconv.FormatInt(value, 10)+"\n")
	return err
}

// copyTo writes the family, or nothing where it has no metric.
func (f *family) copyTo(w io.Writer) error {
	if f.empty {
		return nil
	}
	if _, err := io.WriteString(w, "# HELP "+f.name+" "+f.help+"\n# TYPE "+f.name+" gauge\n"); err != nil {
		return err
	}
	return f.body.copyTo(w)
}

// labels writes pairs of a label's name and its value. A label without a value is the same as none.
func labels(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i] + `="` + metricLabel(pairs[i+1]) + `"`)
	}
	return b.String()
}

// join puts two lists of labels together.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "," + b
}

// short returns foreign text as the value of a label: printable, UTF-8, and cut to maxLabel code
// points plus a hash of the whole, which keeps values with a common beginning different.
func short(text string) string {
	text = clean(text)
	if len(text) <= maxLabel {
		return text
	}
	runes := []rune(text)
	if len(runes) <= maxLabel {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return string(runes[:maxLabel]) + "…" + hex.EncodeToString(sum[:4])
}

// long returns a text of a rule as the value of a label, on one line and at most maxText code
// points.
func long(text string) string {
	runes := []rune(clean(strings.Join(strings.Fields(text), " ")))
	return string(runes[:min(len(runes), maxText)])
}

// ruleCount is the key by which metrics of rules are counted. An empty field is an absent label.
type ruleCount struct{ rule, severity, needs, source string }

type openMetrics struct {
	w     io.Writer
	opt   Options
	tally Tally

	boundary, findings, lacking, unreadable *family

	seen  map[uint64]int         // how often a set of labels has come
	rules map[string]*audit.Rule // that the report mentions

	byRule, waived, inBaseline, notices, missing map[ruleCount]int
}

func newOpenMetrics(w io.Writer, o Options) Reporter {
	return &openMetrics{
		w: w, opt: o,
		boundary:   newFamily("virt_audit_domain_boundary_info", "Verdict about a domain and the security support boundary of QEMU, always 1."),
		findings:   newFamily("virt_audit_domain_findings", "Findings about a domain. Their place is in the document that the label source names."),
		lacking:    newFamily("virt_audit_domain_not_evaluated", "Checks of a domain that were not evaluated. They are not passes."),
		unreadable: newFamily("virt_audit_unreadable_input_info", "Input that could not be read or understood, always 1."),
		seen:       map[uint64]int{}, rules: map[string]*audit.Rule{},
		byRule: map[ruleCount]int{}, waived: map[ruleCount]int{}, inBaseline: map[ruleCount]int{}, notices: map[ruleCount]int{}, missing: map[ruleCount]int{},
	}
}

// once returns labels that were not used before: Prometheus rejects a file in which two metrics
// have the same. Repeated labels, of a file that is given twice or of names that look the same, are
// numbered. A collision of two hashes adds a number, which does no harm.
func (m *openMetrics) once(of string) string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, of) // never fails
	m.seen[h.Sum64()]++
	if n := m.seen[h.Sum64()]; n > 1 {
		return join(of, labels("occurrence", strconv.Itoa(n)))
	}
	return of
}

func (m *openMetrics) Domain(r *audit.Result) error {
	m.tally.Add(r)
	identity := []string{"domain", short(r.Name), "uuid", short(r.UUID), "host", short(r.Origin.Host), "source", short(r.Source)}
	if showsOrigin(r.Origin) {
		identity = append(identity, "document", string(r.Origin.Kind), "document_name", short(r.Origin.Label))
	}
	id := m.once(labels(identity...))
	b := r.Boundary
	errs := []error{m.boundary.add(join(id, labels(
		"verdict", string(b.Verdict), "reason", string(b.Reason), "policy", short(b.Policy),
		"type", short(r.Target.Type), "arch", short(r.Target.Arch), "machine", short(r.Target.Machine))), 1)}
	var n [audit.Critical + 1]int64
	for i := range r.Findings {
		n[r.Findings[i].Severity]++
		m.count(m.byRule, &r.Findings[i])
	}
	for _, s := range audit.Severities() {
		errs = append(errs, m.findings.add(join(id, labels("severity", s.String())), n[s]))
	}
	errs = append(errs, m.lacking.add(id, int64(len(r.Unevaluated))))
	for _, u := range r.Unevaluated {
		m.rules[u.Rule.ID] = u.Rule
		m.missing[ruleCount{rule: u.Rule.ID, needs: u.Missing.String()}]++
	}
	for _, u := range m.opt.uncounted(r) {
		if u.Waiver != nil {
			m.count(m.waived, u.Finding)
		} else {
			m.count(m.inBaseline, u.Finding)
		}
	}
	return errors.Join(errs...)
}

func (m *openMetrics) count(in map[ruleCount]int, f *audit.Finding) {
	m.rules[f.Rule.ID] = f.Rule
	in[ruleCount{rule: f.Rule.ID, severity: f.Severity.String()}]++
}

func (m *openMetrics) Notice(n *audit.Notice) error {
	m.rules[n.Rule.ID] = n.Rule
	m.notices[ruleCount{rule: n.Rule.ID, severity: n.Severity.String(), source: short(n.Source)}]++
	return nil
}

func (m *openMetrics) Unreadable(err error) error {
	m.tally.Unreadable++
	e := newJSONUnreadable(err)
	return m.unreadable.add(m.once(labels("source", short(e.Source), "message", short(e.Message))), 1)
}

func (m *openMetrics) Close() error {
	build := newFamily("virt_audit_build_info", "Version of virt-audit, always 1.")
	run := newFamily("virt_audit_last_run_timestamp_seconds", "When the audit began.")
	domains := newFamily("virt_audit_domains", "Domains by verdict.")
	findings := newFamily("virt_audit_findings", "Findings about domains by severity.")
	byRule := newFamily("virt_audit_findings_by_rule", "Findings about domains by rule.")
	rules := newFamily("virt_audit_rule_info", "Rule that another metric names, always 1. The severity is that of its findings, unless the rule reports a case with another one.")
	notices := newFamily("virt_audit_notices", "Findings about no domain, but about the configuration or a baseline.")
	missing := newFamily("virt_audit_not_evaluated", "Domains for which a rule was not evaluated, and the facts that it lacked. They are not passes.")
	waived := newFamily("virt_audit_waived", "Findings that do not count, because of a waiver.")
	inBaseline := newFamily("virt_audit_in_baseline", "Findings that do not count, because they are in the baseline.")
	waivedBy := newFamily("virt_audit_waived_by_rule", "Findings by rule that do not count, because of a waiver.")
	inBaselineBy := newFamily("virt_audit_in_baseline_by_rule", "Findings by rule that do not count, because they are in the baseline.")
	unread := newFamily("virt_audit_unreadable_inputs", "Inputs that could not be read or understood. Their domains were not audited.")

	errs := []error{build.add(labels("version", cmp.Or(short(m.opt.Version), "unknown")), 1)}
	if !m.opt.Now.IsZero() {
		errs = append(errs, run.add("", m.opt.Now.Unix()))
	}
	for _, w := range policy.Words() {
		errs = append(errs, domains.add(labels("verdict", string(w)), int64(m.tally.Verdicts[w])))
	}
	for _, s := range audit.Severities() {
		n := 0
		for k, c := range m.byRule {
			if k.severity == s.String() {
				n += c
			}
		}
		errs = append(errs, findings.add(labels("severity", s.String()), int64(n)))
	}
	for _, id := range slices.Sorted(maps.Keys(m.rules)) {
		r := m.rules[id]
		errs = append(errs, rules.add(labels("rule", id, "severity", r.Severity.String(), "title", long(r.Title), "fix", long(oneLine(r.Fix)), "url", long(r.URL())), 1))
	}
	for f, counts := range map[*family]map[ruleCount]int{byRule: m.byRule, notices: m.notices, missing: m.missing, waivedBy: m.waived, inBaselineBy: m.inBaseline} {
		errs = append(errs, f.addCounts(counts))
	}
	errs = append(errs, waived.add("", int64(m.tally.Waived)), inBaseline.add("", int64(m.tally.InBaseline)), unread.add("", int64(m.tally.Unreadable)))
	for _, f := range []*family{
		build, run, unread, m.unreadable, domains, m.boundary, findings, m.findings, byRule, rules, notices, missing, m.lacking, waived, waivedBy, inBaseline, inBaselineBy,
	} {
		errs = append(errs, f.copyTo(m.w))
	}
	_, err := io.WriteString(m.w, "# EOF\n")
	return errors.Join(append(errs, err)...)
}

// addCounts adds a metric for each count, in an order that is the same for every run.
func (f *family) addCounts(counts map[ruleCount]int) error {
	var errs []error
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b ruleCount) int {
		return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.severity, b.severity), cmp.Compare(a.needs, b.needs), cmp.Compare(a.source, b.source))
	}) {
		errs = append(errs, f.add(labels("rule", k.rule, "severity", k.severity, "needs", long(k.needs), "source", k.source), int64(counts[k])))
	}
	return errors.Join(errs...)
}
