package inventory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// listed returns what guests share, a text for each thing.
func listed(s *Sharing) []string {
	list, _ := s.List()
	var out []string
	for _, t := range list {
		words := []string{t.Use.String(), t.Name}
		for _, u := range t.Guests {
			name := u.Name
			if u.Inside != "" {
				name += "(" + u.Inside + ")"
			}
			words = append(words, name)
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

// TestSharing decides what two guests have in common, on one host and on two.
func TestSharing(t *testing.T) {
	network := func(protocol, host string) string {
		return "<disk type='network'><source protocol='" + protocol + "' name='x'><host name='" + host + "'/></source><target dev='a'/></disk>"
	}
	vnc := func(port string) string { return "<graphics type='vnc' listen='127.0.0.1' port='" + port + "'/>" }
	for _, test := range []struct {
		a, b      string
		one, both []string // on one host, and on two
	}{
		{disk("/a"), disk("/a"), []string{"written-by-several /a a b"}, nil},
		{disk("/a"), readOnly("/var/../a"), []string{"written-by-one /a a b"}, nil},
		{readOnly("/a"), readOnly("/a"), []string{"read /a a b"}, nil},
		{disk("/dev/vg/l"), disk("/dev/mapper/vg-l"), []string{"written-by-several /dev/mapper/vg-l a b"}, nil},
		{disk("/a"), disk("/b"), nil, nil},
		{share("/srv"), disk("/srv/x"), []string{"written-by-several /srv a b(/srv/x)"}, nil},
		{share("/"), disk("/srv/x"), []string{"written-by-several / a b(/srv/x)"}, nil},
		{share("/srv"), disk("/srv2"), nil, nil},
		{
			network("nbd", "h"), network("nbd", "h"),
			[]string{"written-by-several nbd://h:10809/x a b", "connected tcp://h a b"},
			[]string{"written-by-several nbd://h:10809/x a b", "connected tcp://h a b"},
		},
		{network("nbd", "127.1"), network("nbd", "127.0.0.1"), []string{"written-by-several nbd://127.0.0.1:10809/x a b", "connected tcp://127.0.0.1 a b"}, nil},
		{vnc("5901"), vnc("5901"), []string{"listened tcp://127.0.0.1:5901 a b"}, nil},
		{vnc("-1"), vnc("-1"), nil, nil},
		{readOnly("/usr/share/x.iso"), readOnly("/usr/share/x.iso"), nil, nil},
		{readOnly("/usr/share/x.iso"), disk("/usr/share/x.iso"), []string{"written-by-one /usr/share/x.iso a b"}, nil},
		{readOnly("/etc/shadow"), readOnly("/etc/shadow"), []string{"read /etc/shadow a b"}, nil},
	} {
		for hosts, want := range map[string][]string{"h h": test.one, "h i": test.both} {
			first, second, _ := strings.Cut(hosts, " ")
			var s Sharing
			s.Add(guest(t, "a", first, test.a))
			s.Add(guest(t, "b", second, test.b))
			if got := listed(&s); !slices.Equal(got, want) {
				t.Errorf("%s and %s on %s: %q, want %q", test.a, test.b, hosts, got, want)
			}
		}
	}
}

// TestAll adds what guests have in common by nature.
func TestAll(t *testing.T) {
	for _, all := range []bool{false, true} {
		s := Sharing{All: all}
		for _, name := range []string{"a", "b"} {
			s.Add(guest(t, name, "", readOnly("/usr/share/x.iso")+disk("/srv/a")))
		}
		list, omitted := s.List()
		if len(list)+omitted != 2 || (omitted == 0) != all {
			t.Errorf("all %t: %d listed, %d omitted", all, len(list), omitted)
		}
	}
}

// TestOneGuest: documents of one guest share nothing with each other, nor do those of the past and
// those of containers with others.
func TestOneGuest(t *testing.T) {
	documents := func() []*Guest {
		running, identified, past, contained := guest(t, "a", "", disk("/a")), guest(t, "a", "", disk("/a")), guest(t, "b", "", disk("/a")), guest(t, "c", "", disk("/a"))
		running.Origin.Kind = domxml.Running
		identified.UUID = "1bc2bd98-0000-0000-0000-000000000000"
		past.Origin.Kind = domxml.Snapshot
		contained.Contained = true
		return []*Guest{guest(t, "a", "", disk("/a")), running, identified, past, contained}
	}
	for _, test := range []struct {
		more []*Guest
		want int
	}{{nil, 0}, {[]*Guest{guest(t, "d", "", disk("/a"))}, 1}} {
		var s Sharing
		for _, g := range append(documents(), test.more...) {
			s.Add(g)
		}
		if got := listed(&s); len(got) != test.want || s.Unplaced() != 4+len(test.more) {
			t.Errorf("%q, %d documents on unknown hosts", got, s.Unplaced())
		}
	}
}

// TestNestedBounded: directories inside directories do not make the list grow with the square of
// what documents name, and it is known that something is missing.
func TestNestedBounded(t *testing.T) {
	const n = 2000
	var s Sharing
	for _, name := range []string{"a", "b"} {
		var devices strings.Builder
		for i := range n {
			fmt.Fprintf(&devices, "<filesystem type='mount'><source dir='%s'/><target dir='t%d'/></filesystem>", strings.Repeat("/d", i+1), i)
		}
		s.Add(guest(t, name, "", devices.String()))
	}
	list, _ := s.List()
	uses := 0
	for _, thing := range list {
		uses += len(thing.Guests)
	}
	if !s.Incomplete() || uses > (insideFactor+1)*2*n+insideLeast || len(list) != n {
		t.Errorf("%d things with %d uses, incomplete %t", len(list), uses, s.Incomplete())
	}
	var small Sharing
	small.Add(guest(t, "a", "", share("/srv")))
	small.Add(guest(t, "b", "", disk("/srv/x")))
	if small.List(); small.Incomplete() {
		t.Error("two entries are too many")
	}
}
