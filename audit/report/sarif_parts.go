package report

import (
	"path"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
)

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    *int               `json:"ruleIndex,omitempty"` // nil for a rule that is not described
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints *sarifFingerprints `json:"partialFingerprints,omitempty"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
	Fixes        []sarifFix         `json:"fixes,omitempty"`
	Properties   sarifProperties    `json:"properties"`
}

// sarifFingerprints identify a result. The first is our own; like a path, it need not be unique.
// The second is the only one that GitHub uses. Its upload action computes it from the line of the
// file and warns about any other value (https://github.com/github/codeql-action/issues/4052), so it
// is set only for sources that are not files of the checkout: the action skips files that it does
// not find, and those outside.
type sarifFingerprints struct {
	Finding string `json:"virtAuditFinding/v1"`
	GitHub  string `json:"primaryLocationLineHash,omitempty"`
}

type sarifSuppression struct {
	Kind          string           `json:"kind"`
	Status        string           `json:"status"`
	Justification string           `json:"justification"`
	Location      *sarifLocation   `json:"location,omitempty"`
	Properties    *sarifExpiration `json:"properties,omitempty"`
}

type sarifExpiration struct {
	Until string `json:"until"`
}

type sarifNotification struct {
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Rule      *sarifRule      `json:"associatedRule,omitempty"`
	Locations []sarifLocation `json:"locations,omitempty"`
}

type sarifRule struct {
	ID    string `json:"id"`
	Index *int   `json:"index,omitempty"`
}

type sarifLocation struct {
	Physical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	} `json:"physicalLocation"`
	Logical []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifArtifact struct {
	URI  string `json:"uri"`
	Base string `json:"uriBaseId,omitempty"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
	EndLine     int `json:"endLine,omitempty"`
	EndColumn   int `json:"endColumn,omitempty"`
}

type sarifLogical struct {
	Name          string `json:"name"`
	QualifiedName string `json:"fullyQualifiedName"`
	Kind          string `json:"kind"`
}

// sarifVerdict names a guest and its verdict.
type sarifVerdict struct {
	Domain  string `json:"domain,omitempty"`
	UUID    string `json:"uuid,omitempty"`
	Origin  string `json:"origin,omitempty"`
	Verdict string `json:"verdict,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Policy  string `json:"policy,omitempty"`
}

// sarifProperties have no place of their own in SARIF.
type sarifProperties struct {
	Severity string `json:"severity"`
	Title    string `json:"title"`
	sarifVerdict
	Path   string `json:"path,omitempty"`
	Device string `json:"device,omitempty"`
	Drift  string `json:"drift,omitempty"`
	Fix    string `json:"fix"`
	// FixIn is the application in which the fix is made; Safety is the word for what it can cost.
	FixIn   string `json:"fixIn,omitempty"`
	Safety  string `json:"fixSafety,omitempty"`
	Command string `json:"fixCommand,omitempty"`
	URL     string `json:"url"`
}

// sarifGuest is a guest in the properties of the run.
type sarifGuest struct {
	Source string `json:"source"`
	sarifVerdict
	Accelerator string `json:"accelerator,omitempty"`
	Target      string `json:"target,omitempty"`
	Family      string `json:"family,omitempty"`
	Findings    int    `json:"findings"`
}

func newSARIFGuest(r *audit.Result) sarifGuest {
	b := r.Boundary
	return sarifGuest{
		printable(r.Source), newSARIFVerdict(r),
		printable(b.Accelerator), printable(b.Target), printable(b.Family), len(r.Findings),
	}
}

func newSARIFVerdict(r *audit.Result) sarifVerdict {
	v := sarifVerdict{
		Domain: printable(r.Name), UUID: printable(r.UUID),
		Verdict: string(r.Boundary.Verdict), Reason: string(r.Boundary.Reason), Policy: printable(r.Boundary.Policy),
	}
	if showsOrigin(r.Origin) {
		v.Origin = printable(r.Origin.String())
	}
	return v
}

func newSARIFSuppression(u uncounted) sarifSuppression {
	w := u.Waiver
	if w == nil {
		return sarifSuppression{Kind: "external", Status: "accepted", Justification: u.word()}
	}
	at := sarifAt(w.Source, w.Pos)
	out := sarifSuppression{Kind: "external", Status: "accepted", Justification: printable(w.Reason), Location: &at}
	if w.InDomain {
		out.Kind = "inSource"
	}
	if !w.Until.IsZero() {
		out.Properties = &sarifExpiration{w.Until.Format(time.DateOnly)}
	}
	return out
}

// newSARIFLogical names a place in a guest's document. Kinds are those of 3.33.7 for XML.
func newSARIFLogical(domain, at string) sarifLogical {
	domain, at = printable(domain), printable(at)
	if at == "." {
		return sarifLogical{domain, domain, "element"}
	}
	kind := "element"
	if strings.Contains(at, "@") {
		kind = "attribute"
	}
	return sarifLogical{at[strings.LastIndexByte(at, '/')+1:], domain + "/" + at, kind}
}

// sarifRoot is the base of relative paths: the root of a repository if virt-audit runs there.
const sarifRoot = "%SRCROOT%"

// sarifAt returns a place in a source; unknown parts of the position are omitted. The URI of a file
// is its path, relative or with the scheme "file", since GitHub rejects other schemes. A document
// that came over a connection is not in a file: its source becomes one escaped segment of a
// relative path.
func sarifAt(source string, p audit.Pos) (out sarifLocation) {
	a := &out.Physical.Artifact
	switch {
	case connectionForm.MatchString(source):
		a.URI = strings.ReplaceAll(uriPath(source), "/", "%2F")
	case path.IsAbs(source):
		a.URI = "file://" + uriPath(path.Clean(source))
	default:
		a.URI, a.Base = uriPath(path.Clean(source)), sarifRoot
	}
	if p.Line < 1 {
		return out
	}
	region := &sarifRegion{StartLine: p.Line, StartColumn: max(p.Column, 0)}
	if p.EndLine > p.Line || p.EndLine == p.Line && p.EndColumn >= p.Column && p.EndColumn > 0 {
		region.EndLine, region.EndColumn = p.EndLine, max(p.EndColumn, 0)
	}
	out.Physical.Region = region
	return out
}

// The levels of results and notifications (3.27.10).
const (
	sarifError   = "error"
	sarifWarning = "warning"
	sarifNote    = "note"
)

// sarifLevel returns the level of a severity. GitHub shows a result by its rule's security-severity
// where there is one.
func sarifLevel(s audit.Severity) string {
	switch s {
	case audit.Critical, audit.High:
		return sarifError
	case audit.Medium:
		return sarifWarning
	case audit.Low, audit.Info:
	}
	return sarifNote
}

// securitySeverity is the middle of the range that GitHub takes for the same word: "over 9.0 is
// critical, from 7.0 to 8.9 is high, from 4.0 to 6.9 is medium and from 0.1 to 3.9 is low". It has
// none for info.
var securitySeverity = map[audit.Severity]string{audit.Critical: "9.5", audit.High: "8.0", audit.Medium: "5.5", audit.Low: "2.0"}
