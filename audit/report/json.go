package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/source"
)

// The JSON report is a contract: version 1, described by report.schema.json in this directory.
// Fields are added and never renamed or removed. The structs below are that contract and nothing
// else; the types of the engine may change without it.

type jsonDomain struct {
	Source       string            `json:"source"`
	Name         string            `json:"name"`
	UUID         string            `json:"uuid"`
	Origin       *jsonOrigin       `json:"origin,omitempty"`
	Type         string            `json:"type"`
	OS           string            `json:"os"`
	Arch         string            `json:"arch"`
	Machine      string            `json:"machine"`
	Manager      string            `json:"manager,omitempty"`
	Boundary     jsonBoundary      `json:"boundary"`
	HostKnown    []string          `json:"host_known"`
	Findings     []jsonFinding     `json:"findings"`
	Waived       []jsonFinding     `json:"waived,omitempty"`
	InBaseline   []jsonFinding     `json:"in_baseline,omitempty"`
	NotCounted   []jsonNotCounted  `json:"not_counted,omitempty"`
	NotEvaluated []jsonUnevaluated `json:"not_evaluated"`
}

// jsonNotCounted is a finding that does not count. It is listed without --show-waived too, so that
// a comparison of two reports does not take it for fixed.
type jsonNotCounted struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	Device      string `json:"device,omitempty"`
	By          string `json:"by"`
	Fingerprint string `json:"fingerprint"`
}

type jsonOrigin struct {
	Kind   string   `json:"kind"`
	Label  string   `json:"label,omitempty"`
	Host   string   `json:"host,omitempty"`
	State  string   `json:"state,omitempty"`
	Taints []string `json:"taints,omitempty"`
}

type jsonBoundary struct {
	Verdict     string `json:"verdict"`
	Reason      string `json:"reason"`
	Policy      string `json:"policy"`
	Accelerator string `json:"accelerator"`
	Target      string `json:"target"`
	Family      string `json:"family"`
	// Machine is the machine type that qemu:commandline sets in the place of the document's.
	Machine string   `json:"machine,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

type jsonFinding struct {
	Rule        string      `json:"rule"`
	Severity    string      `json:"severity"`
	Title       string      `json:"title"`
	Message     string      `json:"message"`
	Path        string      `json:"path"`
	Device      string      `json:"device,omitempty"`
	Line        int         `json:"line"`
	Column      int         `json:"column"`
	Fix         string      `json:"fix"`
	FixIn       string      `json:"fix_in,omitempty"`
	Fixes       []jsonFix   `json:"fixes,omitempty"`
	Command     string      `json:"command,omitempty"`
	Refs        []string    `json:"refs"`
	URL         string      `json:"url"`
	Drift       string      `json:"drift,omitempty"`
	Fingerprint string      `json:"fingerprint"`
	Inherits    []string    `json:"inherits,omitempty"`
	Waiver      *jsonWaiver `json:"waiver,omitempty"`
}

type jsonWaiver struct {
	Reason string `json:"reason"`
	Until  string `json:"until,omitempty"`
	Source string `json:"source"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// jsonNotice is a finding that is about no domain.
type jsonNotice struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	Message  string `json:"message"`
	Source   string `json:"source"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Fix      string `json:"fix"`
	URL      string `json:"url"`
}

type jsonUnevaluated struct {
	Rule  string `json:"rule"`
	Needs string `json:"needs"`
}

type jsonUnreadable struct {
	Source  string `json:"source"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

type jsonSummary struct {
	Domains      int `json:"domains"`
	Inside       int `json:"inside"`
	Outside      int `json:"outside"`
	Undetermined int `json:"undetermined"`
	NotQEMU      int `json:"not_qemu"`
	Critical     int `json:"critical"`
	High         int `json:"high"`
	Medium       int `json:"medium"`
	Low          int `json:"low"`
	Info         int `json:"info"`
	Unreadable   int `json:"unreadable"`
	NotEvaluated int `json:"not_evaluated"`
	Waived       int `json:"waived"`
	InBaseline   int `json:"in_baseline"`
}

type jsonReporter struct {
	w       io.Writer
	opt     Options
	tally   Tally
	notices []jsonNotice
	errors  []jsonUnreadable
	begun   bool
	skipped audit.Inputs // rules that need one of these were skipped for all domains
}

func newJSON(w io.Writer, o Options) Reporter {
	return &jsonReporter{w: w, opt: o, skipped: ^audit.Inputs(0)}
}

// begin writes what comes before the first domain, and what separates two.
func (j *jsonReporter) begin() error {
	if j.begun {
		if j.tally.Domains == 0 {
			return nil
		}
		_, err := io.WriteString(j.w, ",")
		return err
	}
	j.begun = true
	profiles := make([]string, 0, len(j.opt.Profiles))
	for _, p := range j.opt.Profiles {
		profiles = append(profiles, string(p))
	}
	head := struct {
		Version int `json:"version"`
		Tool    struct {
			Name    string `json:"name"`
			Version string `json:"version"`
		} `json:"tool"`
		Policy   string   `json:"policy"`
		Profiles []string `json:"profiles"`
	}{Version: 1, Policy: j.opt.Policy, Profiles: profiles}
	head.Tool.Name, head.Tool.Version = "virt-audit", j.opt.Version
	text, err := encode(head, "")
	if err != nil {
		return err
	}
	_, err = j.w.Write(append(bytes.TrimSuffix(text, []byte("\n}")), ",\n  \"domains\": ["...))
	return err
}

func (j *jsonReporter) Domain(r *audit.Result) error {
	if err := j.begin(); err != nil {
		return err
	}
	j.tally.Add(r)
	j.skipped &= r.Skipped
	text, err := encode(newJSONDomain(r, &j.opt), "    ")
	if err != nil {
		return err
	}
	_, err = j.w.Write(append([]byte("\n    "), text...))
	return err
}

// newJSONDomain returns the JSON form of a domain.
func newJSONDomain(r *audit.Result, o *Options) jsonDomain {
	b := r.Boundary
	d := jsonDomain{
		Source: r.Source, Name: r.Name, UUID: r.UUID,
		Type: r.Target.Type, OS: r.Target.OS, Arch: r.Target.Arch, Machine: r.Target.Machine,
		Manager:      r.Manager.Name(),
		Boundary:     jsonBoundary{string(b.Verdict), string(b.Reason), b.Policy, b.Accelerator, b.Target, b.Family, b.Machine, r.Notes},
		HostKnown:    r.Host.HostWords(),
		Findings:     make([]jsonFinding, 0, len(r.Findings)),
		NotEvaluated: make([]jsonUnevaluated, 0, len(r.Unevaluated)),
	}
	d.Origin = newJSONOrigin(r.Origin)
	for i := range r.Findings {
		d.Findings = append(d.Findings, newJSONFinding(r, &r.Findings[i], o))
	}
	if o.ShowWaived {
		for i := range r.Waived {
			f := newJSONFinding(r, &r.Waived[i].Finding, o)
			f.Waiver = newJSONWaiver(r.Waived[i].Waiver)
			d.Waived = append(d.Waived, f)
		}
		for i := range r.InBaseline {
			d.InBaseline = append(d.InBaseline, newJSONFinding(r, &r.InBaseline[i], o))
		}
	}
	add := func(f *audit.Finding, by string) {
		d.NotCounted = append(d.NotCounted, jsonNotCounted{f.Rule.ID, f.Severity.String(), f.Device, by, r.Fingerprint(f)})
	}
	for i := range r.Waived {
		add(&r.Waived[i].Finding, "waiver")
	}
	for i := range r.InBaseline {
		add(&r.InBaseline[i], "baseline")
	}
	for _, u := range r.Unevaluated {
		d.NotEvaluated = append(d.NotEvaluated, jsonUnevaluated{u.Rule.ID, u.Missing.String()})
	}
	return d
}

// newJSONOrigin returns nil for a plain file.
func newJSONOrigin(o audit.Origin) *jsonOrigin {
	if !showsOrigin(o) {
		return nil
	}
	return &jsonOrigin{string(o.Kind), o.Label, o.Host, o.State, o.Taints}
}

func newJSONFinding(r *audit.Result, f *audit.Finding, o *Options) jsonFinding {
	refs := f.Rule.Refs
	if refs == nil {
		refs = []string{}
	}
	a := o.advice(r, f)
	return jsonFinding{
		Rule: f.Rule.ID, Severity: f.Severity.String(), Title: f.Rule.Title, Message: f.Message,
		Path: f.Path.String(), Device: f.Device, Line: f.Pos.Line, Column: f.Pos.Column,
		Fix: a.Text, FixIn: a.Manager, Fixes: newJSONFixes(&a), Command: a.Command, Refs: refs, URL: f.Rule.URL(), Drift: string(f.Drift), Fingerprint: r.Fingerprint(f),
		Inherits: f.DependsOn.HostWords(),
	}
}

func newJSONWaiver(w *audit.Waiver) *jsonWaiver {
	out := &jsonWaiver{Reason: w.Reason, Source: w.Source, Line: w.Pos.Line, Column: w.Pos.Column}
	if !w.Until.IsZero() {
		out.Until = w.Until.Format(time.DateOnly)
	}
	return out
}

func newJSONNotice(n *audit.Notice) jsonNotice {
	return jsonNotice{
		Rule: n.Rule.ID, Severity: n.Severity.String(), Title: n.Rule.Title, Message: n.Message,
		Source: n.Source, Line: n.Pos.Line, Column: n.Pos.Column, Fix: ruleAdvice(n.Rule, "").Text, URL: n.Rule.URL(),
	}
}

func (j *jsonReporter) Notice(n *audit.Notice) error {
	j.tally.AddNotice(n)
	j.notices = append(j.notices, newJSONNotice(n))
	return nil
}

func (j *jsonReporter) Unreadable(err error) error {
	j.tally.Unreadable++
	j.errors = append(j.errors, newJSONUnreadable(err))
	return nil
}

func newJSONUnreadable(err error) jsonUnreadable {
	if input, ok := errors.AsType[*source.Error](err); ok {
		return jsonUnreadable{input.File, input.Line, input.Column, input.Message}
	}
	return jsonUnreadable{Message: err.Error()}
}

func (j *jsonReporter) Close() error {
	if !j.begun {
		if err := j.begin(); err != nil {
			return err
		}
	}
	if j.errors == nil {
		j.errors = []jsonUnreadable{}
	}
	// The rules that have run are known after the last domain.
	tail := struct {
		Notices    []jsonNotice     `json:"notices,omitempty"`
		Unreadable []jsonUnreadable `json:"unreadable"`
		Rules      []string         `json:"rules"`
		Minimum    string           `json:"min_severity"`
		Summary    jsonSummary      `json:"summary"`
	}{j.notices, j.errors, ruleIDs(j.opt.Rules, j.skipped), j.opt.Minimum.String(), newJSONSummary(&j.tally)}
	text, err := encode(tail, "")
	if err != nil {
		return err
	}
	end := "\n  ],"
	if j.tally.Domains == 0 {
		end = "],"
	}
	_, err = j.w.Write(append(append([]byte(end), bytes.TrimPrefix(text, []byte("{"))...), '\n'))
	return err
}

// ruleIDs returns the IDs of the rules that require none of the given facts.
func ruleIDs(rules []*audit.Rule, without audit.Inputs) []string {
	out := make([]string, 0, len(rules))
	for _, r := range rules {
		if r.Required()&without == 0 {
			out = append(out, r.ID)
		}
	}
	return out
}

func newJSONSummary(t *Tally) jsonSummary {
	return jsonSummary{
		Domains:      t.Domains,
		Inside:       t.Verdicts[policy.Inside],
		Outside:      t.Verdicts[policy.Outside],
		Undetermined: t.Verdicts[policy.Undetermined],
		NotQEMU:      t.Verdicts[policy.NotQEMU],
		Critical:     t.Severities[audit.Critical],
		High:         t.Severities[audit.High],
		Medium:       t.Severities[audit.Medium],
		Low:          t.Severities[audit.Low],
		Info:         t.Severities[audit.Info],
		Unreadable:   t.Unreadable,
		NotEvaluated: t.Unevaluated,
		Waived:       t.Waived,
		InBaseline:   t.InBaseline,
	}
}

// JSON returns a value as JSON on one line. The characters of XML stay as they are, and those that
// do not print are escaped.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return jsonVisible(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// encode is json.MarshalIndent that leaves <, > and & as they are: the report is full of XML.
func encode(v any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return jsonVisible(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}
