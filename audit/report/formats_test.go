package report

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/source"
)

// readers parse a report by its media type and fail the test if it is malformed. A format with
// another media type needs a reader here.
var readers = map[string]func(*testing.T, string){
	"text/plain":                   readText,
	"text/markdown":                readText,
	"text/html":                    func(t *testing.T, s string) { t.Helper(); readText(t, s); htmlTree(t, s, true) },
	"application/json":             readJSON,
	"application/sarif+json":       func(t *testing.T, s string) { t.Helper(); readSARIF(t, s) },
	"application/x-ndjson":         readJSONLines,
	"application/xml":              readXML,
	"text/csv":                     readCSV,
	"application/openmetrics-text": func(t *testing.T, s string) { t.Helper(); readMetrics(t, s) },
}

func readText(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("not UTF-8")
	}
}

func readJSON(t *testing.T, text string) {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Errorf("not JSON: %.300s", text)
	}
}

func readJSONLines(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		readJSON(t, line)
	}
}

func readXML(t *testing.T, text string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func readCSV(t *testing.T, text string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
}

// oneGuest is a guest with a finding that is waived, one in the baseline, others that count, and a
// rule that was not evaluated, as for an unknown host.
func oneGuest(t *testing.T) *audit.Result {
	t.Helper()
	r := run(t, map[string]string{"guests/a.xml": consoles}, "guests/a.xml")[0]
	r.InBaseline, r.Findings = r.Findings[:1], r.Findings[1:]
	r.Waived[0].Waiver.Until = time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC)
	r.Unevaluated = []audit.Unevaluated{{Rule: baselineRules()[3], Missing: audit.NeedHost}}
	return r
}

// reported are words that a report must contain, whatever its format and the case of its letters.
var (
	saysNothingAudited = regexp.MustCompile(`no guest was audited|nothing-audited|domains\W[^0-9]*0\b`)
	saysNotEvaluated   = regexp.MustCompile(`not[ _-]evaluated`)
	saysUnreadable     = regexp.MustCompile(`unreadable|can be read`)
	saysWaived         = regexp.MustCompile(`waived`)
	saysInBaseline     = regexp.MustCompile(`in[ _-](the )?baseline`)
)

// TestFormats holds every row of the table to what every report must contain.
func TestFormats(t *testing.T) {
	notice := &audit.Notice{Rule: baselineRules()[0], Severity: audit.High, Message: "words of the notice", Source: "site.yaml", Pos: audit.Pos{Line: 3, Column: 5}}
	unread := &source.Error{File: "broken.xml", Position: source.Position{Line: 2, Column: 7}, Message: "words of the problem"}
	cases := map[string]struct {
		results []*audit.Result
		notices []*audit.Notice
		unread  []error
		says    []*regexp.Regexp
		words   []string // in formats that list findings
	}{
		"nothing audited":  {says: []*regexp.Regexp{saysNothingAudited}},
		"unknown host":     {results: []*audit.Result{oneGuest(t)}, says: []*regexp.Regexp{saysNotEvaluated}, words: []string{"nothing is known of the host"}},
		"waived":           {results: []*audit.Result{oneGuest(t)}, says: []*regexp.Regexp{saysWaived}},
		"in the baseline":  {results: []*audit.Result{oneGuest(t)}, says: []*regexp.Regexp{saysInBaseline}},
		"notice":           {notices: []*audit.Notice{notice}, says: []*regexp.Regexp{regexp.MustCompile(notice.Rule.ID), regexp.MustCompile("site.yaml")}, words: []string{notice.Message, "3"}},
		"unreadable input": {unread: []error{unread}, says: []*regexp.Regexp{saysUnreadable, regexp.MustCompile("broken"), regexp.MustCompile(unread.Message)}},
		"hostile names":    {results: hostile(t), notices: notices(), unread: problems(), says: []*regexp.Regexp{regexp.MustCompile("onerror")}},
	}
	for _, f := range Formats() {
		for name, c := range cases {
			t.Run(f.Name+"/"+name, func(t *testing.T) {
				read := readers[f.Media]
				if read == nil {
					t.Fatalf("no reader for %s", f.Media)
				}
				for _, listed := range []bool{false, true} {
					o := options()
					o.ShowWaived = listed
					out := render(t, f.Name, o, c.results, c.notices, c.unread)
					read(t, out)
					text := strings.ToLower(strings.Join(strings.Fields(out), " "))
					for _, want := range c.says {
						if !want.MatchString(text) {
							t.Errorf("no %s in %.2000s", want, text)
						}
					}
					for _, want := range c.words {
						if !f.Counts && !strings.Contains(text, want) {
							t.Errorf("no %q in %.2000s", want, text)
						}
					}
				}
			})
		}
	}
}

// TestFormatTable requires each row to be complete and to be found by its name.
func TestFormatTable(t *testing.T) {
	var names, extensions []string
	for _, f := range Formats() {
		if f.Name == "" || f.About == "" || f.Media == "" || !strings.HasPrefix(f.Extension, ".") || f.New == nil {
			t.Errorf("the row of %q is incomplete", f.Name)
		}
		if got, err := Named(f.Name); err != nil || got.About != f.About {
			t.Errorf("%s: %v", f.Name, err)
		}
		names, extensions = append(names, f.Name), append(extensions, f.Extension)
	}
	for _, list := range [][]string{names, extensions} {
		if slices.Sort(list); len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("not unique: %v", list)
		}
	}
	if _, err := Named("no-such"); err == nil || !strings.Contains(err.Error(), Formats()[0].Name) {
		t.Errorf("an unknown name: %v", err)
	}
}

// TestMachineFormats prints formats for programs with and without the options for people.
func TestMachineFormats(t *testing.T) {
	people := shown()
	people.Color, people.Width, people.Quiet, people.Verbose = true, 40, true, true
	for _, f := range Formats() {
		output := func(o Options) string {
			return render(t, f.Name, o, []*audit.Result{oneGuest(t)}, notices()[:1], problems()[:1])
		}
		if f.Machine && output(shown()) != output(people) {
			t.Errorf("%s: options for people change what programs read", f.Name)
		}
	}
}
