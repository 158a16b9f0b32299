package report

import (
	"errors"
	"io"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/source"
)

// valid validates a report against a schema in testdata. That of SARIF is OASIS' own, as published
// at https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json.
func valid(t *testing.T, schema, report string) {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("testdata/" + schema)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(report))
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, report)
	}
	if err := s.Validate(doc); err != nil {
		t.Error(err)
	}
}

// shown returns options that also list findings that do not count.
func shown() Options {
	o := options()
	o.ShowWaived = true
	return o
}

// consoles is a guest with a waiver for one of its consoles, and two disks with the same defect.
const consoles = `<domain type='kvm'>
<name>web</name><uuid>3a86ad9c-f08b-4e05-ab09-1cdb6b883f95</uuid><memory>1024</memory>
<metadata><va:audit xmlns:va='` + domxml.WaiverNamespace + `'>
  <va:waive rule='endpoint-vnc-public' until='2030-01-31'>after the {0} gate</va:waive>
</va:audit></metadata>
<os><type arch='x86_64' machine='pc-q35-9.2'>hvm</type></os>
<devices>
  <disk type='file' device='disk'><driver name='qemu'/><src file='/tmp/a'/><target dev='vda' bus='virtio'/></disk>
  <disk type='file' device='disk'><driver name='qemu'/><src file='/srv/b'/><target dev='vdb' bus='virtio'/></disk>
  <graphics type='vnc' listen='0.0.0.0'/>
</devices></domain>`

// TestSARIF parses reports and compares them with their results.
func TestSARIF(t *testing.T) {
	for name, results := range map[string][]*audit.Result{
		"fleet":      fleet(t),
		"hostile":    hostile(t),
		"connection": run(t, map[string]string{"qemu+ssh://root@h/system: web": consoles}, "qemu+ssh://root@h/system: web"),
		"absolute":   run(t, map[string]string{"/etc/libvirt/qemu/my guest.xml": consoles}, "/etc/libvirt/qemu/my guest.xml"),
	} {
		t.Run(name, func(t *testing.T) {
			got := readSARIF(t, render(t, "sarif", options(), results, nil, nil))
			if got.ColumnKind == nil || *got.ColumnKind != "unicodeCodePoints" {
				t.Error("the columns are not code points")
			}
			at := 0
			for _, r := range results {
				for i := range r.Findings {
					compareSARIF(t, got, got.Results[at], r, &r.Findings[i])
					at++
				}
			}
			if at != len(got.Results) || at == 0 {
				t.Errorf("%d results for %d findings", len(got.Results), at)
			}
			guests, _ := got.Properties.Properties["domains"].([]any)
			for i, r := range results {
				g, _ := guests[i].(map[string]any)
				if g["domain"] != printable(r.Name) || g["verdict"] != string(r.Boundary.Verdict) || g["findings"] != float64(len(r.Findings)) {
					t.Errorf("%s: reported as %v", r.Name, g)
				}
			}
		})
	}
}

func compareSARIF(t *testing.T, in *sarifRunRead, got *sarifResultRead, r *audit.Result, f *audit.Finding) {
	t.Helper()
	if id := *in.Tool.Driver.Rules[got.RuleIndex].ID; *got.RuleID != f.Rule.ID || id != f.Rule.ID {
		t.Errorf("rule %s, and %s in the table, want %s", *got.RuleID, id, f.Rule.ID)
	}
	text := strings.NewReplacer("{{", "{", "}}", "}", "] (", "](").Replace(*got.Message.Text)
	if want := strings.ReplaceAll(printable(f.Message+". Guest "+r.Name+": "+string(r.Boundary.Verdict)+", "), "] (", "]("); !strings.HasPrefix(text, want) {
		t.Errorf("message %.300q, want %.300q", text, want)
	}
	p := got.Locations[0].PhysicalLocation
	if at := p.Region; *at.StartLine != f.Pos.Line || *at.StartColumn != f.Pos.Column || *at.EndLine != f.Pos.EndLine || *at.EndColumn != f.Pos.EndColumn {
		t.Errorf("%s: region %d:%d-%d:%d, want %v", f.Rule.ID, *at.StartLine, *at.StartColumn, *at.EndLine, *at.EndColumn, f.Pos)
	}
	u, err := url.Parse(*p.ArtifactLocation.URI)
	if err != nil || u.Host != "" || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "" && u.Scheme != "file" || u.Path != r.Source && u.Path != path.Clean(r.Source) {
		t.Errorf("%.300q: address %.300q, %v", r.Source, *p.ArtifactLocation.URI, err)
	}
	if got, want := *got.Locations[0].LogicalLocations[0].FullyQualifiedName, printable(r.Name); !strings.HasPrefix(got, want) {
		t.Errorf("logical location %.300q, want %.300q", got, want)
	}
	if id := got.PartialFingerprints["virtAuditFinding/v1"]; id != r.Fingerprint(f) {
		t.Errorf("fingerprint %s", id)
	}
	a := (&Options{}).advice(r, f)
	for key, want := range map[string]string{
		"verdict": string(r.Boundary.Verdict), "policy": r.Boundary.Policy, "fix": printable(a.Text), "url": f.Rule.URL(), "path": f.Path.String(),
	} {
		if v := got.Properties.Properties[key]; v != want {
			t.Errorf("property %s is %q, want %q", key, v, want)
		}
	}
}

// TestSARIFFingerprints moves findings. The fingerprints by which GitHub and others match them must
// not change.
func TestSARIFFingerprints(t *testing.T) {
	lines := strings.SplitAfter(consoles, "\n")
	lines[7], lines[8] = lines[8], lines[7]
	var all [3][]string
	for i, document := range []string{consoles, "<!-- a line above -->\n" + consoles, strings.Join(lines, "")} {
		got := readSARIF(t, render(t, "sarif", shown(), run(t, map[string]string{"a.xml": document}, "a.xml"), nil, nil))
		for _, r := range got.Results {
			all[i] = append(all[i], *r.RuleID+" "+r.PartialFingerprints["virtAuditFinding/v1"])
			if r.PartialFingerprints["primaryLocationLineHash"] != "" {
				t.Error("GitHub's own fingerprint is given for a file")
			}
		}
		slices.Sort(all[i])
	}
	if len(all[0]) < 5 || !slices.Equal(all[0], all[1]) || !slices.Equal(all[0], all[2]) {
		t.Errorf("the fingerprints change:\n%q\n%q\n%q", all[0], all[1], all[2])
	}

	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.StdinName = "web.xml"
	for src, given := range map[string]bool{
		"qemu:///system: web": true, "<stdin>": true, "web.xml": true, "/etc/libvirt/qemu/web.xml": true, "../web.xml": true,
		"a/../b.xml": false, here + "/web.xml": false,
	} {
		results := run(t, map[string]string{src: consoles}, src)
		results[0].Findings = append(results[0].Findings, results[0].Findings[0])
		notices := []*audit.Notice{{Rule: baselineRules()[0], Source: src}, {Rule: baselineRules()[0], Source: src}}
		unread := []error{&source.Error{File: src, Message: "bad"}, &source.Error{File: src, Message: "worse"}}
		hashes, all := map[string]bool{}, readSARIF(t, render(t, "sarif", o, results, notices, unread)).Results
		for _, r := range all {
			hashes[r.PartialFingerprints["primaryLocationLineHash"]] = true
		}
		if given && (len(hashes) != len(all) || hashes[""]) || !given && (len(hashes) != 1 || !hashes[""]) {
			t.Errorf("%s: %d results have the fingerprints %v", src, len(all), hashes)
		}
	}
}

// TestSARIFSuppressed omits findings that do not count, or marks them with ShowWaived.
func TestSARIFSuppressed(t *testing.T) {
	results := run(t, map[string]string{"a.xml": consoles}, "a.xml")
	r := results[0]
	if len(r.Waived) != 1 {
		t.Fatalf("%d findings are waived", len(r.Waived))
	}
	site := &audit.Waiver{Reason: "accepted", Source: "/etc/virt-audit.yaml", Pos: audit.Pos{Line: 4, Column: 3}}
	r.Waived = append(r.Waived, audit.Waived{Finding: r.Findings[0], Waiver: site})
	r.InBaseline = []audit.Finding{r.Findings[1]}
	r.Findings = r.Findings[2:]
	for _, f := range readSARIF(t, render(t, "sarif", options(), results, nil, nil)).Results {
		if *f.RuleID == "endpoint-vnc-public" || len(f.Suppressions) > 0 {
			t.Errorf("%s is there, suppressed by %v", *f.RuleID, f.Suppressions)
		}
	}
	got := readSARIF(t, render(t, "sarif", shown(), results, nil, nil)).Results
	if len(got) != len(r.Findings)+3 {
		t.Fatalf("%d results", len(got))
	}
	got = got[len(r.Findings):]
	for i, want := range []struct{ kind, reason, uri string }{
		{"inSource", "after the {0} gate", "a.xml"}, {"external", "accepted", "file:///etc/virt-audit.yaml"}, {"external", "in the baseline", ""},
	} {
		s := got[i].Suppressions[0]
		uri := ""
		if s.Location != nil {
			uri = *s.Location.PhysicalLocation.ArtifactLocation.URI
		}
		if *s.Kind != want.kind || *s.Status != "accepted" || *s.Justification != want.reason || uri != want.uri {
			t.Errorf("%d: %s, %s, %q, at %q", i, *s.Kind, *s.Status, *s.Justification, uri)
		}
	}
	if s := got[0].Suppressions[0]; *s.Location.PhysicalLocation.Region.StartLine != 4 || s.Properties.Properties["until"] != "2030-01-31" {
		t.Errorf("the guest's waiver: line %d, %v", *s.Location.PhysicalLocation.Region.StartLine, s.Properties)
	}
}

// TestSARIFRest checks the parts that belong to no guest: notices, unreadable inputs, rules that
// were not evaluated, and a run without input.
func TestSARIFRest(t *testing.T) {
	results := hostile(t)
	site := &audit.Rule{ID: "site-rule"}
	lacking := audit.Unevaluated{Rule: baselineRules()[3], Missing: audit.NeedSecrets}
	for _, r := range results {
		r.Unevaluated = []audit.Unevaluated{lacking, {Rule: site, Missing: audit.NeedMAC}}
	}
	outside := &audit.Notice{Rule: site, Message: "no {0} [here](javascript:x)"}
	got := readSARIF(t, render(t, "sarif", shown(), results, append(notices(), outside), append(problems(), errors.New("out of {memory}"))))

	i := slices.IndexFunc(got.Results, func(r *sarifResultRead) bool { return strings.HasPrefix(*r.Message.Text, "about ") })
	p := got.Results[i].Locations[0].PhysicalLocation
	if uri, _ := url.PathUnescape(*p.ArtifactLocation.URI); uri != notices()[0].Source || *p.Region.StartLine != 3 || p.Region.EndLine != nil {
		t.Errorf("a notice is at %q, %v", uri, p.Region)
	}
	last := got.Results[len(got.Results)-len(problems())-2]
	if strings.Contains(render(t, "sarif", options(), []*audit.Result{{}}, []*audit.Notice{outside}, nil), "ruleIndex") || *last.RuleID != "site-rule" {
		t.Errorf("a rule that is not described: %s", *last.RuleID)
	}
	if *last.Message.Text != "no {{0}} [here] (javascript:x)." || last.Locations[0].PhysicalLocation.Region != nil {
		t.Errorf("a notice without a place: %q, %v", *last.Message.Text, last.Locations[0].PhysicalLocation.Region)
	}

	call := got.Invocations[0]
	if *call.ExecutionSuccessful || len(call.ToolExecutionNotifications) != len(problems())+1 || *call.StartTimeUtc != "2026-11-24T12:00:00Z" {
		t.Errorf("successful %t, %d notifications, started %s", *call.ExecutionSuccessful, len(call.ToolExecutionNotifications), *call.StartTimeUtc)
	}
	for i, n := range call.ToolExecutionNotifications[:len(problems())] {
		e := newJSONUnreadable(problems()[i])
		p := n.Locations[0].PhysicalLocation
		if uri, _ := url.PathUnescape(*p.ArtifactLocation.URI); n.Level != "error" || uri != path.Clean(e.Source) || (p.Region != nil) != (e.Line > 0) {
			t.Errorf("%+v: %s at %q, %v", e, n.Level, uri, p.Region)
		}
	}
	for i, r := range got.Results[len(got.Results)-len(problems())-1:] {
		e := newJSONUnreadable(append(problems(), errors.New("out of {memory}"))[i])
		p := r.Locations[0].PhysicalLocation
		uri, _ := url.PathUnescape(*p.ArtifactLocation.URI)
		if *r.RuleID != "unreadable-input" || *got.Tool.Driver.Rules[r.RuleIndex].ID != "unreadable-input" || r.Level != "error" ||
			uri != path.Clean(e.Source) || (p.Region != nil) != (e.Line > 0) || !strings.HasPrefix(*r.Message.Text, "unreadable: ") {
			t.Errorf("%+v: the result %s, %s, %q at %q, %v", e, *r.RuleID, r.Level, *r.Message.Text, uri, p.Region)
		}
	}
	if n := len(call.ToolConfigurationNotifications); n != 2 {
		t.Fatalf("%d notifications about the configuration", n)
	}
	n := call.ToolConfigurationNotifications[0]
	if want := plural(len(results), "guest"); !strings.Contains(*n.Message.Text, lacking.Rule.ID+" was not evaluated for "+want) || n.AssociatedRule.Index != 3 {
		t.Errorf("%q, of rule %v", *n.Message.Text, n.AssociatedRule)
	}

	good := readSARIF(t, render(t, "sarif", Options{}, []*audit.Result{{}}, nil, nil))
	if len(good.Results) != 0 || good.Results == nil || !*good.Invocations[0].ExecutionSuccessful || good.Invocations[0].StartTimeUtc != nil {
		t.Errorf("of a guest without findings: %+v", good)
	}
}

// TestSARIFRules checks the description of the tool.
func TestSARIFRules(t *testing.T) {
	o := options()
	o.Rules = append(o.Rules, &audit.Rule{
		ID: "site-rule", Title: "\u202etitle", Doc: strings.Repeat("long. ", 300), Fix: "one\ntwo\x1b", Page: "wiki/rules", Requires: audit.NeedMAC,
	})
	driver := readSARIF(t, render(t, "sarif", o, nil, nil, nil)).Tool.Driver
	if *driver.Name != "virt-audit" || *driver.Version != "1.2.3" || *driver.SemanticVersion != "1.2.3" || len(driver.Rules) != len(o.Rules)+len(unaudited) {
		t.Errorf("%s %s with %d rules", *driver.Name, *driver.Version, len(driver.Rules))
	}
	severities := map[string]string{"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
	levels := map[string]string{"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
	for i, got := range driver.Rules {
		want := slices.Concat(o.Rules, unaudited)[i]
		word := want.Severity.String()
		score, _ := got.Properties.Properties["security-severity"].(string)
		if *got.ID != want.ID || got.DefaultConfiguration.Level != levels[word] || score != severities[word] || !slices.Contains(got.Properties.Tags, "security") {
			t.Errorf("%s: %s, %s, %q, %v", *got.ID, word, got.DefaultConfiguration.Level, score, got.Properties.Tags)
		}
		if n := len([]rune(*got.FullDescription.Text)); n > 1024 || n == 0 || len(*got.ShortDescription.Text) > 1024 || *got.ShortDescription.Text == "" {
			t.Errorf("%s: GitHub takes no description of %d characters", want.ID, n)
		}
		if !strings.Contains(*got.Help.Text, strings.Split(want.Fix, "\n")[0]) || *got.Help.Markdown == "" {
			t.Errorf("%s: no help", want.ID)
		}
	}
	if first := driver.Rules[0]; *first.Name != "BoundaryAccelTcg" || *first.HelpURI != o.Rules[0].URL() {
		t.Errorf("%s, %s", *first.Name, *first.HelpURI)
	}
	if site := driver.Rules[len(o.Rules)-1]; site.HelpURI != nil || *site.ShortDescription.Text != `\u202etitle` || !strings.Contains(*site.Help.Text, "one\ntwo\\x1b") {
		t.Errorf("%v, %q, %q", site.HelpURI, *site.ShortDescription.Text, *site.Help.Text)
	}
	o.Version = "devel"
	if v := readSARIF(t, render(t, "sarif", o, nil, nil, nil)).Tool.Driver.SemanticVersion; v != nil {
		t.Errorf("devel is taken for the semantic version %s", *v)
	}
}

func TestSARIFAt(t *testing.T) {
	for src, want := range map[string]sarifArtifact{
		"guests/web01.xml":            {"guests/web01.xml", "%SRCROOT%"},
		"./guests//web01.xml":         {"guests/web01.xml", "%SRCROOT%"},
		"../web 01.xml":               {"../web%2001.xml", "%SRCROOT%"},
		"a:b/100%/#1?.xml":            {"a%3Ab/100%25/%231%3F.xml", "%SRCROOT%"},
		"//etc/libvirt/../libvirt/é":  {"file:///etc/libvirt/%C3%A9", ""},
		"<stdin>":                     {"%3Cstdin%3E", "%SRCROOT%"},
		"not\xffutf8":                 {"not%FFutf8", "%SRCROOT%"},
		"qemu:///system: web01":       {"qemu%3A%2F%2F%2Fsystem%3A%20web01", ""},
		"qemu+ssh://root@h/system: a": {"qemu+ssh%3A%2F%2Froot@h%2Fsystem%3A%20a", ""},
		"":                            {".", "%SRCROOT%"},
	} {
		if got := sarifAt(src, audit.Pos{}).Physical.Artifact; got != want {
			t.Errorf("%q: %v, want %v", src, got, want)
		}
	}
	for p, want := range map[[4]int]*sarifRegion{ // line, column, and the same of the end
		{}:           nil,
		{0, 4}:       nil,
		{-1, -1}:     nil,
		{3}:          {StartLine: 3},
		{3, -1}:      {StartLine: 3},
		{3, 5, 3, 9}: {3, 5, 3, 9},
		{3, 5, 4, 1}: {3, 5, 4, 1},
		{3, 5, 3, 2}: {StartLine: 3, StartColumn: 5},
		{3, 5, 2, 9}: {StartLine: 3, StartColumn: 5},
		{3, 0, 3}:    {StartLine: 3},
		{3, 0, 4}:    {StartLine: 3, EndLine: 4},
	} {
		got := sarifAt("a.xml", audit.Pos{Line: p[0], Column: p[1], EndLine: p[2], EndColumn: p[3]}).Physical.Region
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%v: %v, want %v", p, got, want)
		}
	}
}

// failing is a writer that accepts a number of writes.
type failing int

var errFull = errors.New("disk full")

func (f *failing) Write(p []byte) (int, error) {
	if *f--; *f < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestWriteErrors fails each write of a report in turn. The caller must get the error.
func TestWriteErrors(t *testing.T) {
	o, results := shown(), run(t, map[string]string{"a.xml": consoles}, "a.xml")
	results[0].InBaseline = results[0].Findings[:1]
	for format, open := range map[string]func(io.Writer, Options) Reporter{"sarif": newSARIF, "gitlab": newGitLab} {
		write := func(writes int) (failing, error) {
			room := failing(writes)
			r := open(&room, o)
			return room, errors.Join(r.Domain(results[0]), r.Notice(notices()[0]), r.Unreadable(problems()[0]), r.Unreadable(problems()[1]), r.Close())
		}
		const many = 1000
		left, err := write(many)
		if err != nil || left == many {
			t.Fatalf("%s: %v, %d writes", format, err, many-left)
		}
		for n := range many - int(left) {
			if _, err := write(n); !errors.Is(err, errFull) {
				t.Errorf("%s: the error after %d writes is %v", format, n, err)
			}
		}
	}
}
