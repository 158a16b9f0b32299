package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/virt-audit/virt-audit/audit"
)

// record is the part of a line of NDJSON, or of the JSON report, that the tests check.
type record struct {
	Record       string
	Source, Name string
	Findings     []finding
	NotEvaluated json.RawMessage `json:"not_evaluated"` // the summary has a number of that name
	Boundary     *struct{ Verdict string }
	Fingerprint  string
	Drift        string
	Gone         int
}

type finding struct{ Rule, Message, Fingerprint, Drift string }

// lines parses NDJSON, and validates each line against the schema.
func lines(t *testing.T, text string) []record {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, file := range []string{"report.schema.json", "ndjson.schema.json"} {
		doc, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.UnmarshalJSON(doc)
		_ = doc.Close()
		if err == nil {
			err = c.AddResource(schema.(map[string]any)["$id"].(string), schema)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile("https://github.com/virt-audit/virt-audit/blob/main/audit/report/ndjson.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []record
	for line := range strings.Lines(text) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%v\n%s", err, line)
		}
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// guests are four documents: two guests that share a MAC address, and a running guest whose stored
// definition has changed.
func guests() (documents map[string]string, names []string) {
	const devices = `<devices><interface type='network'><mac address='52:54:00:00:00:07'/><source network='default'/></interface>` +
		`<graphics type='vnc' listen='0.0.0.0'/></devices></domain>`
	head := func(name, uuid string) string {
		return `<name>` + name + `</name><uuid>` + uuid + `</uuid><memory>1024</memory><os><type arch='x86_64' machine='pc-q35-9.2'>hvm</type></os>`
	}
	const moved = "00000000-0000-4000-8000-000000000003"
	return map[string]string{
		"one.xml":   `<domain type='kvm'>` + head("one", "00000000-0000-4000-8000-000000000001") + devices,
		"two.xml":   `<domain type='kvm'>` + head("two", "00000000-0000-4000-8000-000000000002") + devices,
		"three.xml": `<domain type='kvm'>` + head("three", moved) + `</domain>`,
		"run/three.xml": `<domstatus state='running' reason='booted' pid='7'><domain type='kvm' id='1'>` + head("three", moved) +
			`<devices><graphics type='vnc' listen='0.0.0.0'/></devices></domain></domstatus>`,
	}, []string{"one.xml", "two.xml", "three.xml", "run/three.xml"}
}

// twice audits documents separately and together.
func twice(t *testing.T) (early, final []*audit.Result) {
	t.Helper()
	documents, names := guests()
	for _, name := range names {
		early = append(early, run(t, documents, name)...)
	}
	return early, run(t, documents, names...)
}

// writes counts the calls of Write.
type writes struct {
	bytes.Buffer
	n int
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return w.Buffer.Write(p)
}

// TestNDJSON checks that every guest is printed before the next one is audited, and that all lines
// together contain the same as the JSON report of the run, without repetition.
func TestNDJSON(t *testing.T) {
	early, final := twice(t)
	o := options()
	var w writes
	rep := newNDJSON(&w, o).(Streamer)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range early {
		check(rep.Early(r))
		if got := lines(t, w.String()); len(got) != i+2 || w.n != i+2 || got[0].Record != "run" || got[i+1].Name != r.Name {
			t.Fatalf("after %d guests there are %d lines in %d writes: %s", i+1, len(got), w.n, w.String())
		}
	}
	for _, p := range problems() {
		check(rep.Unreadable(p))
	}
	for _, r := range final {
		check(rep.Domain(r))
	}
	for _, n := range notices() {
		check(rep.Notice(n))
	}
	check(rep.Close())
	got := lines(t, w.String())
	if len(got) != w.n {
		t.Errorf("%d lines in %d writes", len(got), w.n)
	}

	whole := render(t, "json", o, final, notices(), problems())
	var want struct {
		Domains    []record
		Summary    map[string]any
		Notices    []any
		Unreadable []any
	}
	if err := json.Unmarshal([]byte(whole), &want); err != nil {
		t.Fatal(err)
	}
	expected, printed := map[string]int{}, map[string]int{}
	for _, d := range want.Domains {
		for _, f := range d.Findings {
			expected[d.Source+" "+f.Rule+" "+f.Message+" "+f.Drift]++
		}
	}
	// A finding whose drift was not known is printed without it; the line of the drift identifies
	// it.
	drift := map[string]string{}
	sorts := map[string]int{}
	for _, r := range got {
		sorts[r.Record]++
		if r.Record == "drift" {
			drift[r.Source+" "+r.Fingerprint] = r.Drift
		}
	}
	for _, r := range got {
		for _, f := range r.Findings {
			if f.Drift == "" {
				f.Drift = drift[r.Source+" "+f.Fingerprint]
			}
			printed[r.Source+" "+f.Rule+" "+f.Message+" "+f.Drift]++
		}
	}
	if !maps.Equal(expected, printed) {
		t.Errorf("printed\n%v\nwant\n%v", printed, expected)
	}
	if sorts["domain"] != 4 || sorts["more"] != 2 || sorts["drift"] == 0 || sorts["notice"] != len(want.Notices) || sorts["unreadable"] != len(want.Unreadable) {
		t.Errorf("records: %v", sorts)
	}
	var summary map[string]any
	last := slices.Collect(strings.Lines(w.String()))[w.n-1]
	if err := json.Unmarshal([]byte(last), &summary); err != nil {
		t.Fatal(err)
	}
	delete(summary, "record")
	if !maps.Equal(summary, want.Summary) {
		t.Errorf("summary\n%v\nwant\n%v", summary, want.Summary)
	}
}

// TestNDJSONChanged audits a guest whose document has changed when it is read again. New findings
// are printed, those that are gone are a number, and the counts are those of the new document.
func TestNDJSONChanged(t *testing.T) {
	documents, _ := guests()
	before := run(t, documents, "one.xml")[0]
	documents["one.xml"] = strings.NewReplacer(`type='kvm'`, `type='qemu'`, `<graphics type='vnc' listen='0.0.0.0'/>`, "").Replace(documents["one.xml"])
	after := run(t, documents, "one.xml")[0]
	hide := func(r *audit.Result, from, to int) { // by a baseline or a waiver
		r.InBaseline, r.Waived = append(r.InBaseline, r.Findings[from]), append(r.Waived, audit.Waived{Finding: r.Findings[to], Waiver: &audit.Waiver{Reason: "why", Source: "x"}})
		r.Findings = slices.Delete(r.Findings, from, to+1)
		r.Unevaluated = append(r.Unevaluated, audit.Unevaluated{Rule: baselineRules()[from], Missing: audit.NeedQEMUConf})
	}
	hide(before, 0, 1)
	after.Findings = append(after.Findings, before.Waived[0].Finding, before.InBaseline[0], before.InBaseline[0])
	hide(after, 0, 1)
	after.Unevaluated[0].Rule = baselineRules()[7]
	o := options()
	o.ShowWaived = true
	var w writes
	rep := newNDJSON(&w, o).(Streamer)
	if err := errors.Join(rep.Early(before), rep.Domain(after), rep.Close()); err != nil {
		t.Fatal(err)
	}
	got := lines(t, w.String())
	if len(got) != 4 || got[2].Record != "more" || got[2].Gone != len(before.Findings) || len(got[2].Findings) != len(after.Findings) ||
		got[2].Boundary == nil || got[2].Boundary.Verdict != "outside" || strings.Count(string(got[2].NotEvaluated), `"rule"`) != 1 {
		t.Errorf("%d gone, %d new: %s", len(before.Findings), len(after.Findings), w.String())
	}
	var t2 Tally
	t2.Add(after)
	text, err := JSON(ndjsonSummary{"summary", newJSONSummary(&t2)})
	if err != nil || !strings.HasSuffix(w.String(), string(text)+"\n") {
		t.Errorf("%s is not the end of %s (%v)", text, w.String(), err)
	}
}

// TestNDJSONAlone prints a guest that was not printed early, without findings that do not count.
func TestNDJSONAlone(t *testing.T) {
	var w writes
	rep := newNDJSON(&w, Options{Version: "1", Policy: "p"})
	results := hostile(t)
	for _, r := range results {
		if err := rep.Domain(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := rep.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(w.String(), `{"record":"domain"`); got != len(results) || w.n != got+2 || strings.Contains(w.String(), `"waiver":`) {
		t.Errorf("%d of %d guests in %d lines: %s", got, len(results), w.n, w.String())
	}
	for _, r := range lines(t, render(t, "ndjson", options(), results, notices(), problems()))[1 : len(results)+1] {
		if !slices.ContainsFunc(results, func(o *audit.Result) bool { return o.Name == r.Name && len(o.Findings) == len(r.Findings) }) {
			t.Errorf("guest %q did not come back as it was", r.Name)
		}
	}
}

// TestNDJSONSchema requires the parts of a line to refer to the schema of the JSON report.
func TestNDJSONSchema(t *testing.T) {
	read := func(file string) map[string]any {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any
		if err := json.Unmarshal(data, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	defs := func(file, name string) (fields, required []string) {
		def := read(file)["$defs"].(map[string]any)[name].(map[string]any)
		for _, f := range def["required"].([]any) {
			required = append(required, f.(string))
		}
		slices.Sort(required)
		return slices.Sorted(maps.Keys(def["properties"].(map[string]any))), required
	}
	for _, name := range []string{"domain", "notice", "unreadable"} {
		line, needed := defs("ndjson.schema.json", name)
		whole, neededThere := defs("report.schema.json", name)
		without := func(all []string) []string {
			return slices.DeleteFunc(all, func(s string) bool { return s == "record" })
		}
		if !slices.Equal(without(line), whole) || !slices.Equal(without(needed), neededThere) {
			t.Errorf("%s: %v in a line, %v in the report", name, line, whole)
		}
	}
}

// full is a writer with space for a number of bytes.
type full int

func (f *full) Write(p []byte) (int, error) {
	if *f -= full(len(p)); *f < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

// TestNoSpace requires an error for a report that was not written completely, wherever it ends.
func TestNoSpace(t *testing.T) {
	o := options()
	o.ShowWaived = true
	early, final := twice(t)
	hidden := hostile(t)
	for _, name := range []string{"ndjson", "junit", "github", "csv"} {
		f, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		write := func(w io.Writer) error {
			rep := f.New(w, o)
			stream, streams := rep.(Streamer)
			var errs []error
			for _, r := range append(early, hidden...) {
				if streams {
					errs = append(errs, stream.Early(r))
				}
			}
			for _, r := range append(final, hidden...) {
				errs = append(errs, rep.Domain(r))
			}
			return errors.Join(append(errs, rep.Notice(notices()[0]), rep.Unreadable(problems()[0]), rep.Close())...)
		}
		var whole bytes.Buffer
		if err := write(&whole); err != nil {
			t.Fatal(err)
		}
		for _, room := range []int{0, 1, whole.Len() / 3, whole.Len() / 2, whole.Len() - 2000, whole.Len() - 20, whole.Len() - 1} {
			w := full(room)
			if write(&w) == nil {
				t.Errorf("%s: %d of %d bytes were written, and no error was returned", name, room, whole.Len())
			}
		}
	}
}
