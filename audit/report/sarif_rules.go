package report

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit"
)

// sarifTool is the object "tool" (3.18). Members that would repeat a default of the standard are
// omitted.
type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

// sarifDriver is the object "toolComponent" (3.19).
type sarifDriver struct {
	Name            string            `json:"name"`
	Version         string            `json:"version,omitempty"`
	SemanticVersion string            `json:"semanticVersion,omitempty"`
	InformationURI  string            `json:"informationUri"`
	Rules           []sarifDescriptor `json:"rules"`
}

// sarifDescriptor is the object "reportingDescriptor" (3.49).
type sarifDescriptor struct {
	ID               string              `json:"id"`
	Name             string              `json:"name"`
	ShortDescription sarifText           `json:"shortDescription"`
	FullDescription  sarifText           `json:"fullDescription"`
	Help             sarifHelp           `json:"help"`
	HelpURI          string              `json:"helpUri,omitempty"`
	Configuration    sarifConfiguration  `json:"defaultConfiguration"`
	Properties       sarifRuleProperties `json:"properties"`
}

// sarifHelp is the object "multiformatMessageString" (3.12).
type sarifHelp struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown"`
}

// sarifConfiguration is the object "reportingConfiguration" (3.50).
type sarifConfiguration struct {
	Level string `json:"level"`
}

// sarifRuleProperties is the property bag of a rule. GitHub reads precision, security-severity and
// tags.
type sarifRuleProperties struct {
	Tags             []string        `json:"tags"`
	Precision        string          `json:"precision"`
	Severity         string          `json:"severity"`
	SecuritySeverity string          `json:"security-severity,omitempty"`
	Profiles         []audit.Profile `json:"profiles"`
}

// semanticVersion matches a version in the form of Semantic Versioning 2.0.
var semanticVersion = regexp.MustCompile(`^(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$`)

// newSARIFTool describes virt-audit, without its rules.
func newSARIFTool(version string) sarifTool {
	home, _, _ := strings.Cut(audit.DocsURL, "/blob/")
	d := sarifDriver{
		Name: "virt-audit", Version: printable(version), InformationURI: home,
		Rules: []sarifDescriptor{},
	}
	if semanticVersion.MatchString(version) {
		d.SemanticVersion = version
	}
	return sarifTool{d}
}

// maxDescription is the number of characters that GitHub accepts in a rule's description.
const maxDescription = 1024

// newSARIFDescriptor describes a rule. The texts of site-specific rules are foreign input.
func newSARIFDescriptor(r *audit.Rule) sarifDescriptor {
	doc := printable(strings.Join(strings.Fields(r.Doc), " "))
	d := sarifDescriptor{
		ID:               printable(r.ID),
		Name:             pascalCase(printable(r.ID)),
		ShortDescription: sarifText{shortened(printable(r.Title), maxDescription)},
		FullDescription:  sarifText{shortened(doc, maxDescription)},
		Help:             newSARIFHelp(r, doc),
		Configuration:    sarifConfiguration{sarifLevel(r.Severity)},
		Properties: sarifRuleProperties{
			Tags:             []string{"security", printable(r.Group())},
			Precision:        "high",
			Severity:         r.Severity.String(),
			SecuritySeverity: securitySeverity[r.Severity],
			Profiles:         append([]audit.Profile{}, r.Profiles...),
		},
	}
	if u, err := url.Parse(r.URL()); err == nil && u.IsAbs() {
		d.HelpURI = u.String()
	}
	return d
}

// newSARIFHelp returns all texts of a rule as prose and as Markdown; doc is the rule's Doc on one
// line.
func newSARIFHelp(r *audit.Rule, doc string) sarifHelp {
	text := doc + "\n\nFix: " + printableLines(r.Fix)
	if r.Requires != 0 {
		text += "\n\n" + notEvaluatedSentence(r)
	}
	if len(r.Refs) > 0 {
		text += "\n\nSources: " + printable(strings.Join(r.Refs, ", "))
	}
	var markdown strings.Builder
	markdownRule(&markdown, r, r.Title, "", "")
	return sarifHelp{text, strings.TrimSpace(printableLines(markdown.String()))}
}

// shortened returns at most n characters of a text; an ellipsis replaces what is cut off.
func shortened(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}

// pascalCase returns a rule's ID in the form that the SARIF examples use for names of rules.
func pascalCase(id string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(id, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
