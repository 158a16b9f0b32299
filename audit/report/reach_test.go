package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/inventory"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// reachList prints a list of guests, or of what they share.
func reachList(t *testing.T, format string, o ReachOptions, guests ...*inventory.Guest) string {
	t.Helper()
	var b bytes.Buffer
	r := NewReach(format, &b, o)
	sharing := inventory.Sharing{All: true}
	for _, g := range guests {
		sharing.Add(g)
		if o.Shared {
			continue
		}
		if err := r.Guest(g); err != nil {
			t.Fatal(err)
		}
	}
	if o.Shared {
		list, omitted := sharing.List()
		if err := r.Share(list, omitted); err != nil {
			t.Fatal(err)
		}
	}
	for _, problem := range problems() {
		if err := r.Unreadable(problem); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(inventory.Hidden{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hostileGuests have hostile names, and touch things with such names.
func hostileGuests(t *testing.T) []*inventory.Guest {
	t.Helper()
	var out []*inventory.Guest
	for _, name := range hostileNames {
		for range 2 {
			e := escapeXML(strings.ReplaceAll(name, "\x00", ""))
			d, err := domxml.Load("guests/"+name, []byte("<domain type='kvm'><name>"+e+"</name><memory>1</memory><os><type arch='x86_64' machine='q35'>hvm</type></os>"+
				"<devices><disk type='file'><source file='/tmp/"+e+"'/><target dev='vda'/></disk><interface type='bridge'><source bridge='"+e+"'/></interface></devices></domain>"))
			if err != nil {
				continue // libvirt refuses the name too
			}
			g := inventory.Of(d, "host "+name)
			g.UUID = string(rune('a' + len(out))) // so that they are different guests
			out = append(out, g)
		}
	}
	if len(out) < 10 {
		t.Fatalf("%d guests", len(out))
	}
	return out
}

// TestReachHostileNames prints hostile names in all lists. None may print a control character or a
// mark that changes the direction of writing, begin a formula or a command, or break its format.
func TestReachHostileNames(t *testing.T) {
	guests := hostileGuests(t)
	for _, format := range ReachFormats() {
		for _, shared := range []bool{false, true} {
			out := reachList(t, format, ReachOptions{Version: "1", Width: 80, Terminal: true, Shared: shared, Paths: inventory.Paths{"/"}}, guests...)
			for line := range strings.SplitSeq(out, "\n") {
				for _, r := range line {
					if bad(r) {
						t.Fatalf("%s: the character %U is in the list: %.300q", format, r, line)
					}
				}
				if strings.Contains(line, runnerMark) || format == "text" && strings.HasPrefix(strings.TrimSpace(line), "::") {
					t.Errorf("%s: a job would execute %q", format, line)
				}
			}
			switch format {
			case "json":
				if !json.Valid([]byte(out)) {
					t.Error("the JSON is broken")
				}
			case "csv":
				rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
				if err != nil || len(rows) < len(guests) {
					t.Fatalf("%d rows, %v", len(rows), err)
				}
				for _, row := range rows {
					for _, cell := range row {
						if cell != "" && strings.ContainsRune(csvFormula, []rune(cell)[0]) {
							t.Errorf("a formula: %q", cell)
						}
					}
				}
			}
		}
	}
}

// TestReachWidth: no line of a list is wider than the terminal, and without a width nothing is
// shortened or broken.
func TestReachWidth(t *testing.T) {
	long := "/srv/" + strings.Repeat("long/", 60) + "disk.qcow2"
	g := &inventory.Guest{Name: "web", Source: "guests/" + strings.Repeat("deep/", 40) + "web.xml"}
	for _, e := range []inventory.Entry{
		{Kind: reach.File, Name: long, Access: reach.Read | reach.Write | reach.Create, Opener: reach.Libvirt | reach.Helper, Relabel: true},
		{Kind: reach.File, Name: long, Severity: "high", Sensitive: "x", Reason: strings.Repeat("a reason ", 30), Access: reach.Read, Opener: reach.QEMU, Implied: true},
		{Kind: reach.Bridge, Name: "\u6a4b\u6a4b\u6a4b", Access: reach.Connect, Opener: reach.Libvirt},
	} {
		e.Places = []inventory.Place{{Path: "a", Line: 1000, Column: 1}, {Path: "b", Line: 2, Column: 1}}
		g.Entries = append(g.Entries, e)
	}
	for _, width := range []int{70, 80, 120} {
		for line := range strings.Lines(reachList(t, "text", ReachOptions{Width: width, Terminal: true}, g)) {
			if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("%d columns of %d: %s", n, width, line)
			}
		}
	}
	if out := reachList(t, "text", ReachOptions{Width: 80}, g); strings.Count(out, long) != 2 {
		t.Errorf("a name is shortened without a terminal:\n%s", out)
	}
	rows := 0
	for line := range strings.Lines(reachList(t, "text", ReachOptions{}, g)) {
		if strings.Contains(line, g.Source+":1000 +1") {
			rows++
		}
	}
	if rows != 3 {
		t.Errorf("%d rows are on one line with their place", rows)
	}
}

func TestElided(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int
		want string
	}{
		{"/srv/images/web.qcow2", 21, "/srv/images/web.qcow2"},
		{"/srv/images/web.qcow2", 20, "/srv/im…es/web.qcow2"},
		{"/srv/images/web.qcow2", 7, "/srv/images/web.qcow2"}, // nothing would be left
		{"\u6a4b\u6a4b\u6a4b\u6a4b\u6a4b\u6a4b", 9, "\u6a4b…\u6a4b\u6a4b"},
	} {
		if got := elided(test.text, test.n); got != test.want {
			t.Errorf("%q in %d: %q, want %q", test.text, test.n, got, test.want)
		}
	}
}

// TestReachUnreadable: every list names or counts the inputs that it lacks.
func TestReachUnreadable(t *testing.T) {
	for _, format := range ReachFormats() {
		for _, shared := range []bool{false, true} {
			var b bytes.Buffer
			r := NewReach(format, &b, ReachOptions{Version: "1", Shared: shared})
			if err := errors.Join(r.Unreadable(errors.New("broken.xml: oops")), r.Close(inventory.Hidden{})); err != nil {
				t.Fatal(err)
			}
			if want := map[string]string{"text": "1 unreadable input: what those guests touch is not known", "json": `"message": "broken.xml: oops"`, "csv": "unreadable,"}[format]; !strings.Contains(b.String(), want) {
				t.Errorf("%s:\n%s", format, b.String())
			}
		}
	}
}
