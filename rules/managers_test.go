package rules

import (
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/manager"
)

// TestManagers requires that each rule of the table of managers exists, and that a rule about the
// host alone has no general advice to change the guest.
func TestManagers(t *testing.T) {
	all := All()
	rows := 0
	for id, m := range manager.Rules() {
		rows++
		if !slices.ContainsFunc(all, func(r *audit.Rule) bool { return r.ID == id }) {
			t.Errorf("settings.txt: %s has a row for %s, which does not exist", m, id)
		}
	}
	if rows < 200 {
		t.Errorf("only %d rows", rows)
	}
	// What of these is fixed in the guest's definition, although they need facts of the host.
	inDefinition := []string{"boundary-arch-host-mismatch", "network-mgmt-bridge"}
	for _, r := range slices.Concat(hostMachine, hostProtection) {
		_, ok := manager.Setting(manager.Kcli, r.ID) // it has no row of its own
		if ok != slices.Contains(inDefinition, r.ID) {
			t.Errorf("%s: general advice %v; list it in [elsewhere] of settings.txt, or here", r.ID, ok)
		}
	}
	for _, r := range waivers {
		if _, ok := manager.Setting(manager.Kcli, r.ID); ok {
			t.Errorf("%s is fixed in a waiver: list it in [elsewhere] of settings.txt", r.ID)
		}
	}
}

// TestManagerDecidesNothing requires that a run finds the same whatever manager there is: a
// document can claim any.
func TestManagerDecidesNothing(t *testing.T) {
	for _, name := range []string{"nova", "kubevirt", "virt-install"} {
		data, err := os.ReadFile("../testdata/noise/" + name + ".xml")
		if err != nil {
			t.Fatal(err)
		}
		d, err := domxml.Load(name, data)
		if err != nil {
			t.Fatal(err)
		}
		without := audit.Run(d, &audit.Settings{Rules: All(), ManagedBy: manager.None})
		if without.Manager != "" {
			t.Errorf("%s: the manager %q, although the site names none", name, without.Manager)
		}
		for _, m := range append(manager.All(), "") {
			with := audit.Run(d, &audit.Settings{Rules: All(), ManagedBy: m})
			with.Manager = ""
			if !reflect.DeepEqual(with, without) {
				t.Errorf("%s: another result for %q", name, m)
			}
		}
	}
}
