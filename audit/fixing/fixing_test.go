package fixing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/edit"
	"github.com/virt-audit/virt-audit/audit/pipeline"
)

// rule returns a rule that reports the element at a path if check accepts the document.
func rule(id, at string, check func(*audit.Pass) bool, fixes ...audit.Fix) *audit.Rule {
	return &audit.Rule{
		ID: id, Title: id, Severity: audit.Medium, Doc: "d", Fix: "f",
		Check: func(p *audit.Pass) {
			if check(p) {
				p.Reportf(audit.At(at), "%s", id)
			}
		},
		Fixes: func(*audit.Pass, *audit.Finding) []audit.Fix { return fixes },
	}
}

// has returns a check for a part of the document.
func has(text string) func(*audit.Pass) bool {
	return func(p *audit.Pass) bool { return strings.Contains(string(p.Document()), text) }
}

func set(at, value string) edit.Edit { return edit.Set(audit.At(at), value) }

const start = "<domain type='kvm'>\n  <name>a</name>\n  <memory>1</memory>\n  <os><type arch='x86_64' machine='q35'>hvm</type></os>\n"

func guest(rest string) string { return start + rest + "</domain>\n" }

// fixed fixes one document with some rules, and returns it with what is left.
func fixed(t *testing.T, text string, o Options, rules ...*audit.Rule) (after, left string) {
	t.Helper()
	d := all(t, o, rules, func() ([]byte, error) { return []byte(text), nil })[0]
	if d.Err != nil {
		t.Fatal(d.Err)
	}
	after = text
	if x := d.Changed(); x != nil {
		after = string(x.After.Document())
		if string(x.Before.Document()) != text {
			t.Error("Before is not the document")
		}
	}
	var reasons []string
	for _, x := range d.Domains {
		for _, l := range x.Left {
			reasons = append(reasons, l.Rule.ID+": "+l.Reason)
		}
	}
	return after, strings.Join(reasons, "\n")
}

func all(t *testing.T, o Options, rules []*audit.Rule, reads ...func() ([]byte, error)) (out []*Document) {
	t.Helper()
	run := pipeline.New(pipeline.Options{Settings: &audit.Settings{Rules: rules, Today: time.Now()}, Jobs: 2})
	outcomes := slices.Collect(run.Outcomes(func(yield func(*collect.Document, error) bool) {
		for i, read := range reads {
			if !yield(collect.New(fmt.Sprintf("%d.xml", i), audit.Origin{}, read), nil) {
				return
			}
		}
	}))
	for d := range All(run, outcomes, o) {
		out = append(out, d)
	}
	if len(out) != len(reads) {
		t.Fatalf("%d results for %d documents", len(out), len(reads))
	}
	return out
}

// TestFix applies fixes by their safety, the first that may be.
func TestFix(t *testing.T) {
	r := rule("r", "vcpu", has("<vcpu>"),
		audit.ManualFix("decide"), audit.UnsafeFix("two", set("vcpu", "2"), set("title", "unsafe")),
		audit.SafeFix("remove", edit.Remove(audit.At("vcpu").Attr(""))))
	for _, test := range []struct {
		options Options
		fixes   []int
		after   string
		left    string
	}{
		{Options{}, []int{1, 2}, guest(""), ""},
		{Options{}, []int{1}, guest("  <vcpu>4</vcpu>\n"), "r: unsafe, --unsafe makes it: two"},
		{Options{}, []int{0}, guest("  <vcpu>4</vcpu>\n"), "r: manual: decide"},
		{Options{}, nil, guest("  <vcpu>4</vcpu>\n"), "r: virt-audit has no fix for it"},
		{Options{Unsafe: true}, []int{2, 1}, guest(""), ""},
		{Options{Unsafe: true}, []int{0, 2, 1}, guest("  <vcpu>4</vcpu>\n"), "r: manual: decide"},
	} {
		own := *r
		own.Fixes = func(*audit.Pass, *audit.Finding) (out []audit.Fix) {
			for _, i := range test.fixes {
				out = append(out, r.Fixes(nil, nil)[i])
			}
			return out
		}
		after, left := fixed(t, guest("  <vcpu>4</vcpu>\n"), test.options, &own)
		if after != test.after || left != test.left {
			t.Errorf("%v %v:\n%s\n%s\nwant\n%s\n%s", test.options, test.fixes, after, left, test.after, test.left)
		}
	}
}

// TestRounds applies fixes that overlap, and those that another fix calls for. Rules that undo each
// other come to an end, and are reported.
func TestRounds(t *testing.T) {
	step := func(from, to string) *audit.Rule {
		return rule("from-"+from, "title", has("<title>"+from+"<"), audit.SafeFix("go on", set("title", to)))
	}
	title := func(text string) string { return guest("  <title>" + text + "</title>\n") }
	for _, test := range []struct {
		rules       []*audit.Rule
		after, left string
	}{
		{[]*audit.Rule{step("a", "b"), step("b", "c"), step("c", "d")}, title("d"), ""},
		{
			[]*audit.Rule{
				rule("x", "title", has("<title>a<"), audit.SafeFix("x", set("title", "b"))),
				rule("y", "title", has("<title>"), audit.SafeFix("y", edit.Remove(audit.At("title").Attr("")))),
			},
			guest(""), "",
		},
		{[]*audit.Rule{step("a", "b"), step("b", "a")}, title("a"), "from-a: its fix was applied, and it is there again"},
		{[]*audit.Rule{rule("no", "title", has("<title>"), audit.SafeFix("no", set("title", "a"), set("vcpu", "2")))}, strings.Replace(title("a"), "  <os>", "  <vcpu>2</vcpu>\n  <os>", 1), "no: its fix was applied, and it is there again"},
	} {
		after, left := fixed(t, title("a"), Options{}, test.rules...)
		if after != test.after || left != test.left {
			t.Errorf("%s\n%s\nwant\n%s\n%s", after, left, test.after, test.left)
		}
	}
	endless := rule("endless", "title", has("<title>"))
	endless.Fixes = func(p *audit.Pass, _ *audit.Finding) []audit.Fix {
		return []audit.Fix{audit.SafeFix("longer", set("title", p.Title+"a"))}
	}
	after, left := fixed(t, title("a"), Options{}, endless)
	if n := strings.Count(after, "a") - strings.Count(title(""), "a"); n > maxRounds+1 || left == "" {
		t.Errorf("%d rounds, left %q:\n%s", n, left, after)
	}
}

// TestUneditable changes nothing in documents that libvirt writes as parts of others.
func TestUneditable(t *testing.T) {
	r := rule("r", "vcpu", has("<vcpu>"), audit.SafeFix("remove", edit.Remove(audit.At("vcpu").Attr(""))))
	text := "<domstatus state='running' reason='booted' pid='1'>" + guest("<vcpu>4</vcpu>") + "</domstatus>"
	after, left := fixed(t, text, Options{}, r)
	if after != text || !strings.Contains(left, "part of another document") {
		t.Errorf("%s\n%s", after, left)
	}
}

// TestReads reads a document again only if there is something to fix, and refuses one that has
// changed meanwhile.
func TestReads(t *testing.T) {
	r := rule("r", "vcpu", has("<vcpu>"), audit.SafeFix("remove", edit.Remove(audit.At("vcpu").Attr(""))))
	var counts [4]int
	reading := func(i int, versions ...string) func() ([]byte, error) {
		return func() ([]byte, error) {
			counts[i]++
			text := versions[min(counts[i], len(versions))-1]
			if text == "" {
				return nil, errors.New("gone")
			}
			return []byte(text), nil
		}
	}
	faulty := guest("<vcpu>4</vcpu>")
	out := all(t, Options{Jobs: 2}, []*audit.Rule{r},
		reading(0, guest("")), reading(1, faulty), reading(2, faulty, guest("<vcpu>5</vcpu>")), reading(3, faulty, ""))
	if counts != [4]int{1, 2, 2, 2} {
		t.Errorf("reads %v", counts)
	}
	if out[0].Changed() != nil || out[1].Changed() == nil || !errors.Is(out[2].Err, collect.ErrChanged) || out[3].Err == nil {
		t.Errorf("%+v", out)
	}
}

// TestPanic keeps a panic of a rule to the document that a fix makes.
func TestPanic(t *testing.T) {
	r := rule("r", "vcpu", func(p *audit.Pass) bool {
		if p.VCPU == nil {
			panic("no vcpu")
		}
		return true
	}, audit.SafeFix("remove", edit.Remove(audit.At("vcpu").Attr(""))))
	out := all(t, Options{}, []*audit.Rule{r}, func() ([]byte, error) { return []byte(guest("<vcpu>4</vcpu>")), nil })
	if _, ok := errors.AsType[*pipeline.PanicError](out[0].Err); !ok || out[0].Changed() != nil {
		t.Errorf("%v", out[0].Err)
	}
}

// TestPositions gives findings that remain their position in the document as it is.
func TestPositions(t *testing.T) {
	rules := []*audit.Rule{
		rule("gone", "title", has("<title>"), audit.SafeFix("remove", edit.Remove(audit.At("title").Attr("")))),
		rule("stays", "vcpu", has("<vcpu>"), audit.ManualFix("decide")),
	}
	d := all(t, Options{}, rules, func() ([]byte, error) { return []byte(guest("  <title>a</title>\n  <vcpu>4</vcpu>\n")), nil })[0]
	if x := d.Changed(); x == nil || len(x.Left) != 1 || x.Left[0].Was.Line != 6 || x.Left[0].Pos.Line != 5 {
		t.Errorf("%+v", d.Domains[0])
	}
}

// TestStored reports what libvirt adds again when it stores a definition.
func TestStored(t *testing.T) {
	r := rule("r", "vcpu", has("<vcpu>"), audit.SafeFix("remove", edit.Remove(audit.At("vcpu").Attr(""))))
	text := guest("<vcpu>4</vcpu>")
	x := all(t, Options{}, []*audit.Rule{r}, func() ([]byte, error) { return []byte(text), nil })[0].Changed()
	if x == nil || len(x.Left) != 0 {
		t.Fatalf("%+v", x)
	}
	if err := x.Stored([]byte(text)); err != nil || len(x.Left) != 1 || x.Left[0].Reason != "its fix was applied, and it is there again" {
		t.Errorf("%v, %+v", err, x.Left)
	}
	if err := x.Stored([]byte("<domain")); err == nil {
		t.Error("an unreadable definition is not an error")
	}
}

// TestOwned leaves the guest of a manager alone, which writes its definition again.
func TestOwned(t *testing.T) {
	r := rule("r", "vcpu", has("<vcpu>"), audit.SafeFix("remove", edit.Remove(audit.At("vcpu").Attr(""))))
	doc := strings.Replace(guest("  <vcpu>4</vcpu>\n"), "</name>\n",
		"</name>\n  <metadata><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/></metadata>\n", 1)
	after, left := fixed(t, doc, Options{}, r)
	if want := "r: Nova writes this definition again: change the guest there"; after != doc || left != want {
		t.Errorf("%s\n%s\nwant %s", after, left, want)
	}
	if after, _ := fixed(t, doc, Options{Owned: true}, r); after == doc {
		t.Error("Owned has no effect")
	}
}
