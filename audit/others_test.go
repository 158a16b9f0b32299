package audit

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/fleet"
)

// indexOf fills an index with guests, each written as "source name uuid key[=detail]...".
func indexOf(t *testing.T, guests ...string) (*fleet.Index, []*Domain) {
	t.Helper()
	x := fleet.NewIndex()
	var domains []*Domain
	for _, g := range guests {
		words := strings.Fields(g)
		uuid := ""
		if words[2] != "-" {
			uuid = "<uuid>" + words[2] + "</uuid>"
		}
		name := ""
		if words[1] != "-" {
			name = "<name>" + words[1] + "</name>"
		}
		d, err := domxml.Load(words[0], []byte("<domain type='kvm'>"+name+uuid+"<os><type>hvm</type></os></domain>"))
		if err != nil {
			t.Fatal(err)
		}
		domains = append(domains, d)
		(&Settings{}).Prepare(d).Collect(x, func(p *Pass) {
			for _, w := range words[3:] {
				key, detail, _ := strings.Cut(w, "=")
				p.Use("file", key, At("os/type"), detail)
			}
		})
	}
	x.Freeze()
	return x, domains
}

func usesText(uses iter.Seq[Use]) string {
	var out []string
	for u := range uses {
		out = append(out, strings.TrimSpace(u.Domain+" "+u.Source+" "+u.Key+" "+u.Detail))
	}
	return strings.Join(out, ", ")
}

const (
	uuid1 = "11111111-2222-4333-8444-555555555555"
	uuid2 = "aaaaaaaa-2222-4333-8444-555555555555"
)

func TestOthers(t *testing.T) {
	tests := []struct {
		name   string
		guests []string // the first asks about /a
		want   string
	}{
		{"two guests", []string{"1.xml web - /a", "2.xml db - /a=rw"}, "db 2.xml  rw"},
		{"nothing in common", []string{"1.xml web - /a", "2.xml db - /b"}, ""},
		{"in order of sources", []string{"1.xml web - /a", "3.xml c - /a", "2.xml b - /a"}, "b 2.xml, c 3.xml"},
		{"stored and running", []string{"1.xml web " + uuid1 + " /a", "2.xml web " + strings.ToUpper(uuid1) + " /a"}, ""},
		{"copy without UUID", []string{"1.xml web " + uuid1 + " /a", "2.xml web - /a"}, ""},
		{"clone with the UUID", []string{"1.xml web " + uuid1 + " /a", "2.xml web2 " + uuid1 + " /a"}, "web2 2.xml"},
		{"another of the name", []string{"1.xml web " + uuid1 + " /a", "2.xml web " + uuid2 + " /a"}, "web 2.xml"},
		{"two without anything", []string{"1.xml - - /a", "2.xml - - /a"}, "2.xml"},
		{"two places in one", []string{"1.xml web - /a", "2.xml db - /a=x /a=y"}, "db 2.xml  x, db 2.xml  y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x, domains := indexOf(t, tt.guests...)
			p := &Pass{Domain: domains[0], crossGuest: crossGuest{index: x}}
			if got := usesText(p.Others("file", "/a")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := usesText(p.Others("other", "/a")); got != "" {
				t.Errorf("another kind: %q", got)
			}
		})
	}
}

func TestOthersUnder(t *testing.T) {
	x, domains := indexOf(t, "1.xml web - /own", "2.xml db - /srv /srv/vm/a /srv-2/a /sr /srv/vm/b=rw /", "3.xml ci - /srv/vm")
	p := &Pass{Domain: domains[0], crossGuest: crossGuest{index: x}}
	for dir, want := range map[string]string{
		"/srv":    "db 2.xml /srv, ci 3.xml /srv/vm, db 2.xml /srv/vm/a, db 2.xml /srv/vm/b rw",
		"/srv/vm": "ci 3.xml /srv/vm, db 2.xml /srv/vm/a, db 2.xml /srv/vm/b rw",
		"/nil":    "",
		"":        "",
		"/":       "db 2.xml /, db 2.xml /sr, db 2.xml /srv, db 2.xml /srv-2/a, ci 3.xml /srv/vm, db 2.xml /srv/vm/a, db 2.xml /srv/vm/b rw",
	} {
		if got := usesText(p.OthersUnder("file", dir)); got != want {
			t.Errorf("%s: got %q, want %q", dir, got, want)
		}
	}
	for range p.OthersUnder("file", "/") {
		break // the iterator must not be called again
	}
	if got := usesText((&Pass{Domain: domains[0]}).OthersUnder("file", "/")); got != "" {
		t.Errorf("without an index: %q", got)
	}
}

func TestGuests(t *testing.T) {
	x, domains := indexOf(t, "1.xml web "+uuid1+" /a", "2.xml web "+uuid1+" /a /a", "3.xml db - /a /b", "4.xml - - /a")
	p := &Pass{Domain: domains[0], crossGuest: crossGuest{index: x}}
	for key, want := range map[string]int{"/a": 3, "/b": 1, "/c": 0} {
		if got := p.Guests("file", key); got != want {
			t.Errorf("%s: %d guests, want %d", key, got, want)
		}
	}
	if x.Len() != 3 {
		t.Errorf("%d guests in all, want 3", x.Len())
	}
	if (*fleet.Index)(nil).Len() != 0 || (&Pass{}).Guests("file", "/a") != 0 {
		t.Error("no index holds guests")
	}
}

// TestRunAlone requires that rules across guests are skipped, and do not fail, for a guest that
// occurs twice.
func TestRunAlone(t *testing.T) {
	rule := &Rule{ID: "x-test", Requires: NeedDomains, Check: func(p *Pass) { p.Reportf(Path{}, "%d", len(slices.Collect(p.Others("file", "/a")))) }}
	for _, tt := range []struct {
		guests []string
		want   int
	}{
		{[]string{"1.xml web - /a"}, 0},
		{[]string{"1.xml web - /a", "2.xml web - /a"}, 0},
		{[]string{"1.xml web - /a", "2.xml db - /a"}, 1},
	} {
		x, domains := indexOf(t, tt.guests...)
		res := Run(domains[0], &Settings{Rules: []*Rule{rule}, Index: x})
		if len(res.Findings) != tt.want || len(res.Unevaluated) != 0 {
			t.Errorf("%v: %d findings, %d not evaluated", tt.guests, len(res.Findings), len(res.Unevaluated))
		}
	}
}

// TestIndexParallel fills and queries an index from many goroutines, for the race detector, and
// requires that the order of the guests does not matter.
func TestIndexParallel(t *testing.T) {
	const n = 64
	answers := map[string]bool{}
	for range 3 {
		x := fleet.NewIndex()
		domains := make([]*Domain, n)
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() {
				d, err := domxml.Load(fmt.Sprintf("%03d.xml", i), fmt.Appendf(nil, "<domain type='kvm'><name>vm%d</name></domain>", i))
				if err != nil {
					t.Error(err)
					return
				}
				domains[i] = d
				(&Settings{}).Prepare(d).Collect(x, func(p *Pass) { p.Use("file", "/all", Path{}, "rw"); p.Use("file", fmt.Sprint("/", i), Path{}, "") })
			})
		}
		wait.Wait()
		x.Freeze()
		got := make([]string, n)
		for i := range n {
			wait.Go(func() {
				got[i] = usesText((&Pass{Domain: domains[i], crossGuest: crossGuest{index: x}}).OthersUnder("file", "/"))
			})
		}
		wait.Wait()
		answers[strings.Join(got, "\n")] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d different answers", len(answers))
	}
}
