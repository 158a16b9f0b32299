package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// The JSON report is a contract of its own, version 1, described by report.schema.json beside this
// file: fields are added, never renamed or taken away. The structs below are that contract and
// nothing else; the engine's types may change without it.

type jsonDomain struct {
	Source       string            `json:"source"`
	Name         string            `json:"name"`
	UUID         string            `json:"uuid"`
	Origin       *jsonOrigin       `json:"origin,omitempty"`
	Type         string            `json:"type"`
	OS           string            `json:"os"`
	Arch         string            `json:"arch"`
	Machine      string            `json:"machine"`
	Boundary     jsonBoundary      `json:"boundary"`
	Findings     []jsonFinding     `json:"findings"`
	NotEvaluated []jsonUnevaluated `json:"not_evaluated"`
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
}

type jsonFinding struct {
	Rule     string   `json:"rule"`
	Severity string   `json:"severity"`
	Title    string   `json:"title"`
	Message  string   `json:"message"`
	Path     string   `json:"path"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Fix      string   `json:"fix"`
	Refs     []string `json:"refs"`
	URL      string   `json:"url"`
	Drift    string   `json:"drift,omitempty"`
}

type jsonUnevaluated struct {
	Rule  string `json:"rule"`
	Needs string `json:"needs"`
}

type jsonError struct {
	Source  string `json:"source"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

type jsonSummary struct {
	Domains           int `json:"domains"`
	Virtualization    int `json:"virtualization"`
	NonVirtualization int `json:"non_virtualization"`
	Undetermined      int `json:"undetermined"`
	NotApplicable     int `json:"not_applicable"`
	Critical          int `json:"critical"`
	High              int `json:"high"`
	Medium            int `json:"medium"`
	Low               int `json:"low"`
	Info              int `json:"info"`
	Errors            int `json:"errors"`
	NotEvaluated      int `json:"not_evaluated"`
}

type jsonReporter struct {
	w      io.Writer
	opt    Options
	tally  Tally
	errors []jsonError
	begun  bool
}

func newJSON(w io.Writer, o Options) Reporter { return &jsonReporter{w: w, opt: o} }

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
	text, err := encode(newJSONDomain(r), "    ")
	if err != nil {
		return err
	}
	_, err = j.w.Write(append([]byte("\n    "), text...))
	return err
}

func newJSONDomain(r *audit.Result) jsonDomain {
	b := r.Boundary
	d := jsonDomain{
		Source: r.Source, Name: r.Name, UUID: r.UUID,
		Type: r.Target.Type, OS: r.Target.OS, Arch: r.Target.Arch, Machine: r.Target.Machine,
		Boundary:     jsonBoundary{string(b.Word), string(b.Reason), b.Policy, b.Accelerator, b.Target, b.Family},
		Findings:     make([]jsonFinding, 0, len(r.Findings)),
		NotEvaluated: make([]jsonUnevaluated, 0, len(r.Unevaluated)),
	}
	if o := r.Origin; told(o) {
		d.Origin = &jsonOrigin{string(o.Kind), o.Label, o.Host, o.State, o.Taints}
	}
	for _, f := range r.Findings {
		d.Findings = append(d.Findings, jsonFinding{
			Rule: f.Rule.ID, Severity: f.Severity.String(), Title: f.Rule.Title, Message: f.Message,
			Path: f.Path.String(), Line: f.Pos.Line, Column: f.Pos.Column,
			Fix: fixFor(f.Rule, r.Name), Refs: f.Rule.Refs, URL: f.Rule.URL(), Drift: string(f.Drift),
		})
	}
	for _, u := range r.Unevaluated {
		d.NotEvaluated = append(d.NotEvaluated, jsonUnevaluated{u.Rule.ID, u.Needs.String()})
	}
	return d
}

func (j *jsonReporter) Problem(err error) error {
	j.tally.Errors++
	j.errors = append(j.errors, newJSONError(err))
	return nil
}

func newJSONError(err error) jsonError {
	if input, ok := errors.AsType[*audit.InputError](err); ok {
		return jsonError{input.Source, input.Line, input.Column, input.Message}
	}
	return jsonError{Message: err.Error()}
}

func (j *jsonReporter) Close() error {
	if !j.begun {
		if err := j.begin(); err != nil {
			return err
		}
	}
	if j.errors == nil {
		j.errors = []jsonError{}
	}
	t := j.tally
	tail := struct {
		Errors  []jsonError `json:"errors"`
		Summary jsonSummary `json:"summary"`
	}{j.errors, jsonSummary{
		Domains:           t.Domains,
		Virtualization:    t.Verdicts[policy.Virtualization],
		NonVirtualization: t.Verdicts[policy.NonVirtualization],
		Undetermined:      t.Verdicts[policy.Undetermined],
		NotApplicable:     t.Verdicts[policy.NotApplicable],
		Critical:          t.Severities[audit.Critical],
		High:              t.Severities[audit.High],
		Medium:            t.Severities[audit.Medium],
		Low:               t.Severities[audit.Low],
		Info:              t.Severities[audit.Info],
		Errors:            t.Errors,
		NotEvaluated:      t.Unevaluated,
	}}
	text, err := encode(tail, "")
	if err != nil {
		return err
	}
	end := "\n  ],"
	if t.Domains == 0 {
		end = "],"
	}
	_, err = j.w.Write(append(append([]byte(end), bytes.TrimPrefix(text, []byte("{"))...), '\n'))
	return err
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
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
