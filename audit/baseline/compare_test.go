package baseline

import (
	"fmt"
	"strings"
	"testing"
)

// reportOf reads a JSON report of guests; each is "name verdict finding...", with "!rule" for a
// rule that was not evaluated, "~finding" for one that is in the baseline. A finding is "rule" or
// "rule#content".
func reportOf(t *testing.T, errors int, guests ...string) *Report {
	t.Helper()
	var domains, failed []string
	for _, g := range guests {
		words := strings.Fields(g)
		var findings, open, accepted []string
		for i, f := range words[2:] {
			if rule, ok := strings.CutPrefix(f, "!"); ok {
				open = append(open, fmt.Sprintf(`{"rule":%q}`, rule))
				continue
			}
			if fingerprint, ok := strings.CutPrefix(f, "~"); ok {
				accepted = append(accepted, fmt.Sprintf(`{"fingerprint":%q}`, fingerprint))
				continue
			}
			rule, _, _ := strings.Cut(f, "#")
			findings = append(findings, fmt.Sprintf(`{"rule":%q,"severity":"low","line":%d,"column":1,"fingerprint":%q}`, rule, len(words)-i, f))
		}
		name, kind, _ := strings.Cut(words[0], "/")
		domains = append(domains, fmt.Sprintf(`{"name":%q,"origin":{"kind":%q,"label":"l"},"boundary":{"verdict":%q},"findings":[%s],"not_counted":[%s],"not_evaluated":[%s]}`,
			name, kind, words[1], strings.Join(findings, ","), strings.Join(accepted, ","), strings.Join(open, ",")))
	}
	for range errors {
		failed = append(failed, `{"source":"x","message":"broken"}`)
	}
	r, err := ParseReport("r.json", fmt.Appendf(nil, `{"version":1,"policy":"p","domains":[%s],"unreadable":[%s]}`, strings.Join(domains, ","), strings.Join(failed, ",")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// acrossGuests reports whether a rule of reportOf compares guests.
func acrossGuests(rule string) bool { return strings.HasPrefix(rule, "across-") }

func joined(list []Item) string {
	var out []string
	for _, i := range list {
		out = append(out, i.Domain+":"+i.Fingerprint)
	}
	return strings.Join(out, " ")
}

func TestCompare(t *testing.T) {
	const in, outside = "inside", "outside"
	for name, test := range map[string]struct {
		was, is          []string
		errors           int
		new, fixed, open string
		gone, turns      string
		unchanged        int
		worse            bool
	}{
		"the same":            {was: []string{"a " + in + " x-y"}, is: []string{"a " + in + " x-y"}, unchanged: 1},
		"new":                 {was: []string{"a " + in}, is: []string{"a " + in + " x-y"}, new: "a:x-y", worse: true},
		"fixed":               {was: []string{"a " + in + " x-y"}, is: []string{"a " + in}, fixed: "a:x-y"},
		"other content":       {was: []string{"a " + in + " x-y#1"}, is: []string{"a " + in + " x-y#2"}, new: "a:x-y#2", fixed: "a:x-y#1", worse: true},
		"one of two the same": {was: []string{"a " + in + " x-y x-y"}, is: []string{"a " + in + " x-y"}, fixed: "a:x-y", unchanged: 1},
		"a second the same":   {was: []string{"a " + in + " x-y"}, is: []string{"a " + in + " x-y x-y"}, new: "a:x-y", unchanged: 1, worse: true},
		"not evaluated":       {was: []string{"a " + in + " x-y"}, is: []string{"a " + in + " !x-y"}, open: "a:x-y"},
		"apart":               {was: []string{"a " + in + " across-x", "b " + in + " across-x"}, is: []string{"a " + in, "b " + in}, fixed: "a:across-x b:across-x"},
		"without the other":   {was: []string{"a " + in + " across-x", "b " + in + " across-x"}, is: []string{"a " + in, "c " + in}, open: "a:across-x", gone: "b:across-x"},
		"without a namesake":  {was: []string{"a " + in + " across-x", "a " + in}, is: []string{"a " + in}, open: "a:across-x"},
		"one is unreadable":   {was: []string{"a " + in + " across-x"}, is: []string{"a " + in}, errors: 1, open: "a:across-x"},
		"without a snapshot":  {was: []string{"a " + in + " across-x", "b/snapshot " + in}, is: []string{"a " + in}, fixed: "a:across-x"},
		"the guest is gone":   {was: []string{"a " + in + " x-y", "b " + in}, is: []string{"b " + in}, gone: "a:x-y"},
		"a new guest":         {was: []string{"a " + in}, is: []string{"a " + in, "b " + in + " x-y"}, new: "b:x-y", worse: true},
		"left the boundary":   {was: []string{"a " + in}, is: []string{"a " + outside}, turns: "a: inside to outside", worse: true},
		"came inside":         {was: []string{"a " + outside + " b-c"}, is: []string{"a " + in}, fixed: "a:b-c", turns: "a: outside to inside"},
		"could not be read":   {was: []string{"a " + in + " x-y"}, is: nil, errors: 1, gone: "a:x-y"},
		"another document":    {was: []string{"a " + in + " x-y"}, is: []string{"a " + in + " x-y", "a/snapshot " + in + " x-y"}, new: "a (snapshot l):x-y", unchanged: 1, worse: true},
		"started since":       {was: []string{"a " + in + " x-y"}, is: []string{"a " + in + " x-y", "a/running " + in + " x-y"}, unchanged: 2},
		"stopped since":       {was: []string{"a/definition " + in + " x-y", "a/running " + in + " x-y"}, is: []string{"a/definition " + in + " x-y"}, unchanged: 1},
		"two of what runs":    {was: []string{"a " + in + " x-y"}, is: []string{"a " + in, "a/running " + in + " x-y x-y"}, new: "a (running l):x-y", unchanged: 1, worse: true},
		"runs on":             {was: []string{"a " + in + " x-y"}, is: []string{"a " + in, "a/running " + in + " x-y"}, unchanged: 1},
		"fixed in both":       {was: []string{"a " + in + " x-y", "a/running " + in + " x-y"}, is: []string{"a " + in, "a/running " + in}, fixed: "a:x-y a (running l):x-y"},
		"stored":              {was: []string{"a/definition " + in + " x-y"}, is: []string{"a/definition " + in + " x-y"}, unchanged: 1},
		"two of one name":     {was: []string{"a " + in + " x-y", "a " + outside}, is: []string{"a " + in + " x-y", "a " + outside}, unchanged: 1},
		"in another order":    {was: []string{"a " + in, "a " + outside}, is: []string{"a " + outside, "a " + in}},
		"one of two turned":   {was: []string{"a " + in, "a " + outside}, is: []string{"a " + outside, "a " + outside}, turns: "a: inside to outside", worse: true},
	} {
		d := Compare(reportOf(t, 0, test.was...), reportOf(t, test.errors, test.is...), acrossGuests)
		var turns []string
		for _, turn := range d.Verdicts {
			turns = append(turns, fmt.Sprintf("%s: %s to %s", turn.Domain, turn.Old, turn.New))
		}
		got := fmt.Sprintf("new %s, fixed %s, open %s, gone %s, turns %s, %d unchanged, %d unread, worse %t", joined(d.New), joined(d.Fixed), joined(d.NotEvaluated), joined(d.Gone), strings.Join(turns, ";"), d.Unchanged, d.Unreadable, d.Worse())
		want := fmt.Sprintf("new %s, fixed %s, open %s, gone %s, turns %s, %d unchanged, %d unread, worse %t", test.new, test.fixed, test.open, test.gone, test.turns, test.unchanged, test.errors, test.worse)
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestCompareAccepted checks findings that a report does not contain although they were not fixed.
func TestCompareAccepted(t *testing.T) {
	const guest = "a virtualization "
	with := func(r *Report, minimum string, rules ...string) *Report {
		r.Rules, r.Minimum = &rules, minimum
		return r
	}
	for name, test := range map[string]struct {
		is                                   *Report
		new, fixed, accepted, open, settings string
	}{
		"accepted":                   {is: reportOf(t, 0, guest+"~x-y#1 x-y#2"), accepted: "a:x-y#1"},
		"one of them":                {is: reportOf(t, 0, guest+"~x-y#1"), accepted: "a:x-y#1", fixed: "a:x-y#2"},
		"another":                    {is: reportOf(t, 0, guest+"~x-y#3"), fixed: "a:x-y#1 a:x-y#2"},
		"the rule did not run":       {is: with(reportOf(t, 0, guest), "info", "a-b"), open: "a:x-y#1 a:x-y#2", settings: "rules in one run only: x-y, a-b"},
		"no rule did":                {is: with(reportOf(t, 0, guest), "info"), open: "a:x-y#1 a:x-y#2", settings: "rules in one run only: x-y, none"},
		"the rule did run":           {is: with(reportOf(t, 0, guest), "info", "x-y"), fixed: "a:x-y#1 a:x-y#2"},
		"below the minimum severity": {is: with(reportOf(t, 0, guest), "medium", "x-y"), open: "a:x-y#1 a:x-y#2", settings: "min-severity: info, medium"},
		"a report without settings":  {is: reportOf(t, 0, guest), fixed: "a:x-y#1 a:x-y#2"},
	} {
		d := Compare(with(reportOf(t, 0, guest+"x-y#2 x-y#1"), "info", "x-y"), test.is, acrossGuests)
		var settings []string
		for _, s := range d.Settings {
			settings = append(settings, s.Name+": "+s.Old+", "+s.New)
		}
		got := fmt.Sprintf("new %s, fixed %s, not counted %s, not evaluated %s, settings %s", joined(d.New), joined(d.Fixed), joined(d.NotCounted), joined(d.NotEvaluated), strings.Join(settings, ";"))
		want := fmt.Sprintf("new %s, fixed %s, not counted %s, not evaluated %s, settings %s", test.new, test.fixed, test.accepted, test.open, test.settings)
		if got != want || d.Worse() {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// FuzzParse requires an error for a file that is neither a baseline nor a report.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"findings":[{"rule":"a-b","severity":"low","domain":"a","path":".","message":"m","fingerprint":"0123456789abcdef0123456789abcdef","count":1}]}`))
	f.Add([]byte(`{"version":1,"policy":"p","domains":[{"name":"a","findings":[{"rule":"a-b","fingerprint":"f"}]}],"unreadable":[]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := Parse("f.json", data); err == nil {
			lines := strings.Count(string(data), "\n") + 1
			for _, e := range b.entries {
				if e.Line < 1 || e.Line > lines || e.Count < 1 {
					t.Errorf("entry %+v of %d lines", e, lines)
				}
			}
		} else if !strings.HasPrefix(err.Error(), "f.json:") {
			t.Errorf("the error does not begin with the file: %v", err)
		}
		if r, err := ParseReport("f.json", data); err == nil {
			if d := Compare(r, r, acrossGuests); len(d.New)+len(d.Fixed)+len(d.Gone)+len(d.NotEvaluated)+len(d.NotCounted)+len(d.Verdicts)+len(d.Settings) > 0 {
				t.Errorf("a report differs from itself: %+v", d)
			}
		} else if !strings.HasPrefix(err.Error(), "f.json:") {
			t.Errorf("the error does not begin with the file: %v", err)
		}
	})
}
