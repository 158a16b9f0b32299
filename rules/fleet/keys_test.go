package fleet

import (
	"slices"
	"strings"
	"testing"
)

func TestNumberSet(t *testing.T) {
	for _, tt := range []struct {
		list, dash string
		want       []int
	}{
		{"0-3,^2,8", "-", []int{0, 1, 3, 8}},
		{"5", "-", []int{5}},
		{"", "-", nil},
		{"3-1,-,x,9-,99999,-4", "-", nil},
		{"62-66,^64", "-", []int{62, 63, 65, 66}},
		{"1.3,7", ".", []int{1, 2, 3, 7}},
	} {
		var s numberSet
		s.add(tt.list, tt.dash)
		var got []int
		for i := range maxNumber {
			if s.has(i) {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %v, want %v", tt.list, got, tt.want)
		}
	}
	var s numberSet
	s.add("0-8191,^0-8190", "-")
	if !s.has(8191) || s.has(8190) {
		t.Error("spans are not whole")
	}
}

func TestInContainerOnly(t *testing.T) {
	for name, want := range map[string]bool{
		"/run/kubevirt-private/x/img": true, "/run/libvirt/cloud-init-dir/a": true, "/run/x.sock": false, "/srv/run/kubevirt": false,
	} {
		if got := inContainerOnly(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

// TestShowable does not print what looks like a secret.
func TestShowable(t *testing.T) {
	for _, name := range []string{"rbd:p/i:key=canary", "https://joe:canary@example.org/x", "joe:canary@x"} {
		if s := redacted(name); strings.Contains(s, "canary") {
			t.Errorf("%s: shown as %s", name, s)
		}
	}
}
