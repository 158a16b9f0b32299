package manager

import (
	"regexp"
	"strings"
	"testing"
)

// TestSettings checks the form of the table; that its rules exist is checked where they are known.
func TestSettings(t *testing.T) {
	t.Parallel()
	table, err := parse(settingsText)
	if err != nil {
		t.Fatal(err)
	}
	own := map[Manager]int{}
	for at, advice := range table {
		if at.manager == elsewhere {
			continue
		}
		own[at.manager]++
		if !permalink.MatchString(advice.Source) {
			t.Errorf("%s: the source %s is not a file in a commit", at, advice.Source)
		}
		switch text := advice.Text; {
		case !strings.HasSuffix(text, "."), strings.Contains(text, "  "), strings.ContainsAny(text, "\t\n"):
			t.Errorf("%s: not sentences on one line: %q", at, text)
		case len(text) > 420:
			t.Errorf("%s: %d characters are too long for a report", at, len(text))
		}
	}
	for _, m := range All() {
		if own[m] == 0 || m.Name() == "" {
			t.Errorf("%s has no name or no row", m)
		}
		if _, ok := table[place{m, anyRule}]; !ok {
			t.Errorf("%s has no general advice", m)
		}
	}
	if len(own) != len(All()) {
		t.Errorf("%d managers in the table, %d known", len(own), len(All()))
	}
}

var permalink = regexp.MustCompile(`^https://github\.com/[\w.-]+/[\w.-]+/blob/[0-9a-f]{12,40}/[\w./-]+$`)

// TestSetting looks up rows, and what there is without one.
func TestSetting(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		manager Manager
		rule    string
		begins  string // of the text; "" for none
		general bool
	}{
		{Nova, "device-nic-legacy", "Set the image property hw_vif_model to virtio", false},
		{Nova, "network-script", "Nova writes the definition again", true},
		{Nova, "site-tpm", "Nova writes the definition again", true},
		{Kcli, "device-nic-legacy", "kcli keeps", true},
		{Nova, "confinement-sandbox-off-host", "", false},
		{Nova, "endpoint-migration-plaintext-host", "Set [libvirt]live_migration_with_native_tls", false},
		{OpenNebula, "endpoint-migration-plaintext-host", "", false},
		{Nova, "waiver-expired", "", false},
		{"", "device-nic-legacy", "", false},
		{None, "device-nic-legacy", "", false},
		{elsewhere, "waiver-expired", "", false},
		{"proxmox", "device-nic-legacy", "", false},
		{Nova, "*", "Nova writes the definition again", true},
	} {
		advice, ok := Setting(test.manager, test.rule)
		fits := strings.HasPrefix(advice.Text, test.begins) && advice.General == test.general
		if ok != (test.begins != "") || !fits || !ok && advice != (Advice{}) {
			t.Errorf("%s %s: %+v, %v", test.manager, test.rule, advice, ok)
		}
	}
	var names []string
	for m, advice := range Settings("sharing-9p") {
		if advice.General || advice.Text == "" || advice.Source == "" {
			t.Errorf("%s: %+v", m, advice)
		}
		names = append(names, m.Name())
	}
	if got := strings.Join(names, " "); got != "Nova Vagrant Terraform virt-manager" {
		t.Errorf("sharing-9p has settings in %s", got)
	}
}

// TestParse refuses malformed tables with the line.
func TestParse(t *testing.T) {
	t.Parallel()
	const head = "# c\n@a https://example.org/\n[nova]\n"
	for text, want := range map[string]string{
		head + "r-a r-b\n  T\n  t.\n  @a f\n":                   "",
		head + "r-a\n  T.\n":                                    "6: a row without a source",
		head + "r-a\n  T.\nr-b\n  T.\n  @a f\n":                 "6: a row without a source",
		head + "r-a\n  T.\n  @b f\n":                            `6: unknown source "b f", or one without a file`,
		head + "r-a\n  T.\n  @a\n":                              `6: unknown source "a", or one without a file`,
		head + "r-a\n  @a f\n":                                  "5: a row without a text",
		head + "  T.\n":                                         "4: text without the rules that it is about",
		head + "r-a\n  T.\n  @a f\n  T.\n":                      "7: text without the rules that it is about",
		head + "r-a r-a\n  T.\n  @a f\n":                        "6: nova has a row for r-a already",
		head + "r-a\n  T.\n  @a f\n\n[nova]\nr-a\n  T.\n  @a f": "11: nova has a row for r-a already",
		head + "[novo]\n":                                       "4: unknown manager [novo]",
		head + "@a https://example.org/b\n":                     "4: a source that exists already or has no address",
		head + "@b\n":                                           "4: a source that exists already or has no address",
		"@a https://example.org/\nr-a\n  T.\n  @a f\n":          "4: a row without a manager",
		"[elsewhere]\nr-a r-b\nr-b\n":                           "3: elsewhere has a row for r-b already",
	} {
		_, err := parse(text)
		if got := errorText(err); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
