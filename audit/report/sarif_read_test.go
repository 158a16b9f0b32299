package report

import (
	"encoding/json"
	"testing"
)

// The types below read a SARIF report independently of those that write it. A pointer is nil where
// the member is absent. The official schema is what validates the rest of a report.

type sarifLogRead struct {
	Runs []*sarifRunRead `json:"runs"`
}

type sarifRunRead struct {
	Tool struct {
		Driver struct {
			Name            *string         `json:"name"`
			Version         *string         `json:"version"`
			SemanticVersion *string         `json:"semanticVersion"`
			Rules           []sarifRuleRead `json:"rules"`
		} `json:"driver"`
	} `json:"tool"`
	ColumnKind  *string                `json:"columnKind"`
	Results     []*sarifResultRead     `json:"results"`
	Invocations []*sarifInvocationRead `json:"invocations"`
	Properties  sarifBagRead           `json:"properties"`
}

type sarifRuleRead struct {
	ID                   *string       `json:"id"`
	Name                 *string       `json:"name"`
	HelpURI              *string       `json:"helpUri"`
	ShortDescription     sarifTextRead `json:"shortDescription"`
	FullDescription      sarifTextRead `json:"fullDescription"`
	Help                 sarifTextRead `json:"help"`
	DefaultConfiguration struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties sarifBagRead `json:"properties"`
}

type sarifTextRead struct {
	Text     *string `json:"text"`
	Markdown *string `json:"markdown"`
}

type sarifResultRead struct {
	RuleID              *string             `json:"ruleId"`
	RuleIndex           int                 `json:"ruleIndex"`
	Level               string              `json:"level"`
	Message             sarifTextRead       `json:"message"`
	Locations           []sarifLocationRead `json:"locations"`
	PartialFingerprints map[string]string   `json:"partialFingerprints"`
	Suppressions        []struct {
		Kind          *string            `json:"kind"`
		Status        *string            `json:"status"`
		Justification *string            `json:"justification"`
		Location      *sarifLocationRead `json:"location"`
		Properties    sarifBagRead       `json:"properties"`
	} `json:"suppressions"`
	Properties sarifBagRead `json:"properties"`
}

type sarifInvocationRead struct {
	ExecutionSuccessful            *bool                   `json:"executionSuccessful"`
	StartTimeUtc                   *string                 `json:"startTimeUtc"`
	ToolExecutionNotifications     []sarifNotificationRead `json:"toolExecutionNotifications"`
	ToolConfigurationNotifications []sarifNotificationRead `json:"toolConfigurationNotifications"`
}

type sarifNotificationRead struct {
	Level          string              `json:"level"`
	Message        sarifTextRead       `json:"message"`
	Locations      []sarifLocationRead `json:"locations"`
	AssociatedRule struct {
		Index int `json:"index"`
	} `json:"associatedRule"`
}

type sarifLocationRead struct {
	PhysicalLocation struct {
		ArtifactLocation struct {
			URI *string `json:"uri"`
		} `json:"artifactLocation"`
		Region *struct {
			StartLine   *int `json:"startLine"`
			StartColumn *int `json:"startColumn"`
			EndLine     *int `json:"endLine"`
			EndColumn   *int `json:"endColumn"`
		} `json:"region"`
	} `json:"physicalLocation"`
	LogicalLocations []struct {
		FullyQualifiedName *string `json:"fullyQualifiedName"`
	} `json:"logicalLocations"`
}

// sarifBagRead is a property bag.
type sarifBagRead struct {
	Tags       []string
	Properties map[string]any
}

func (b *sarifBagRead) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &b.Properties); err != nil {
		return err
	}
	tags := struct {
		Tags *[]string `json:"tags"`
	}{&b.Tags}
	return json.Unmarshal(data, &tags)
}

// readSARIF validates a report against the official schema and returns its only run.
func readSARIF(t *testing.T, report string) *sarifRunRead {
	t.Helper()
	valid(t, "sarif-schema-2.1.0.json", report)
	var r sarifLogRead
	if err := json.Unmarshal([]byte(report), &r); err != nil || len(r.Runs) != 1 {
		t.Fatalf("%v\n%.2000s", err, report)
	}
	return r.Runs[0]
}
