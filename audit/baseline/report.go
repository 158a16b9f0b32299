package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// Report is the part of a JSON report that a comparison needs.
type Report struct {
	Version    int       `json:"version"`
	Policy     string    `json:"policy"`
	Profiles   []string  `json:"profiles"`
	Rules      *[]string `json:"rules"`        // that have run; nil if the report does not state them
	Minimum    string    `json:"min_severity"` // "" in those
	Domains    []Domain  `json:"domains"`
	Unreadable []struct {
		Source  string `json:"source"`
		Message string `json:"message"`
	} `json:"unreadable"`

	known map[string]bool // the rules, once they are asked for
}

func (r *Report) rules() map[string]bool {
	if r.known == nil && r.Rules != nil {
		r.known = make(map[string]bool, len(*r.Rules))
		for _, id := range *r.Rules {
			r.known[id] = true
		}
	}
	return r.known
}

// Domain is a guest of a report, by one of its documents.
type Domain struct {
	Source string `json:"source"`
	Name   string `json:"name"`
	Origin struct {
		Kind  string `json:"kind"`
		Label string `json:"label"`
		Host  string `json:"host"`
	} `json:"origin"`
	Boundary struct {
		Verdict policy.Word `json:"verdict"`
		Reason  string      `json:"reason"`
	} `json:"boundary"`
	HostKnown  *[]string `json:"host_known"` // nil if the report does not state it
	Findings   []Finding `json:"findings"`
	NotCounted []struct {
		Fingerprint string `json:"fingerprint"`
	} `json:"not_counted"`
	NotEvaluated []struct {
		Rule string `json:"rule"`
	} `json:"not_evaluated"`
}

func (d *Domain) hostKnown() []string {
	if d.HostKnown == nil {
		return nil
	}
	return *d.HostKnown
}

// hostKnown returns which facts were known about the host of at least one guest; "" if the report
// does not state it.
func (r *Report) hostKnown() string {
	var words []string
	told := false
	for i := range r.Domains {
		told = told || r.Domains[i].HostKnown != nil
		words = append(words, r.Domains[i].hostKnown()...)
	}
	slices.Sort(words)
	switch words = slices.Compact(words); {
	case !told:
		return ""
	case len(words) == 0:
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// Finding is one of a report's findings.
type Finding struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	Message     string `json:"message"`
	Path        string `json:"path"`
	Line        int    `json:"line"`
	Column      int    `json:"column"`
	Fix         string `json:"fix"`
	FixIn       string `json:"fix_in"`
	Command     string `json:"command"`
	URL         string `json:"url"`
	Fingerprint string `json:"fingerprint"`

	Inherits []string `json:"inherits"`
}

// ParseReport reads a report of the format json. source is the name of the file; errors begin with
// it.
func ParseReport(source string, data []byte) (*Report, error) {
	r := &Report{}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(r); err != nil {
		return nil, fmt.Errorf("%s: not a report of the format json: %w", source, place(data, err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: not a report of the format json: unexpected data after its end", source)
	}
	if r.Version != 1 || r.Policy == "" {
		return nil, fmt.Errorf("%s: not a report of the format json, version 1", source)
	}
	for _, domain := range r.Domains {
		for _, f := range domain.Findings {
			if f.Fingerprint == "" {
				return nil, fmt.Errorf("%s: the report has no fingerprints: create it again with this virt-audit", source)
			}
		}
	}
	return r, nil
}
