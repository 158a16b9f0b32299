package cpumodel

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestLacks states what models lack, with features that a configuration adds after a plus.
func TestLacks(t *testing.T) {
	for configuration, want := range map[string]string{
		"SandyBridge":                       "spec-ctrl ssbd md-clear",
		"SandyBridge-v1":                    "spec-ctrl ssbd md-clear",
		"SandyBridge-v2":                    "ssbd md-clear",
		"SandyBridge-v3":                    "ssbd md-clear", // a version after the newest known one
		"SandyBridge-v0":                    "unknown",
		"SandyBridge-":                      "unknown",
		"sandybridge":                       "unknown",
		"":                                  "unknown",
		"-v1":                               "unknown",
		"SandyBridge-IBRS+ssbd+md-clear":    "",
		"SandyBridge+ibpb+virt-ssbd":        "spec-ctrl ssbd md-clear", // AMD's features
		"EPYC":                              "ibpb virt-ssbd",
		"EPYC+spec-ctrl+ssbd+md-clear":      "ibpb virt-ssbd", // Intel's features
		"EPYC-IBPB":                         "virt-ssbd",
		"EPYC-IBPB+amd-ssbd":                "",
		"EPYC-Rome+amd-no-ssb":              "",
		"EPYC-Milan":                        "",
		"Dhyana":                            "virt-ssbd",
		"Opteron_G1":                        "ibpb virt-ssbd",
		"Icelake-Server":                    "",
		"Icelake-Client-noTSX":              "",
		"Denverton":                         "",
		"Snowridge-v9":                      "",
		"Cascadelake-Server":                "md-clear",
		"Cascadelake-Server-v2":             "",
		"YongFeng":                          "",
		"core2duo":                          "spec-ctrl ssbd md-clear",
		"phenom":                            "ibpb virt-ssbd",
		"qemu64":                            "spec-ctrl|ibpb ssbd|virt-ssbd md-clear",
		"cpu64-rhel6":                       "spec-ctrl|ibpb ssbd|virt-ssbd md-clear",
		"kvm64+ssbd":                        "spec-ctrl|ibpb md-clear",
		"kvm64+ibpb":                        "virt-ssbd",
		"kvm64+ibpb+virt-ssbd":              "",
		"kvm64+spec-ctrl":                   "ssbd md-clear",
		"kvm64+spec-ctrl+ssbd+md-clear":     "",
		"kvm64+spec-ctrl+ibpb+virt-ssbd":    "",
		"base+spec-ctrl+ssb-no+mds-no+ibpb": "",
	} {
		parts := strings.Split(configuration, "+")
		m, known := Find(parts[0])
		var got []string
		for _, l := range m.Lacks(func(f string) bool { return slices.Contains(parts[1:], f) }) {
			if l.AMD != "" {
				l.Feature += "|" + l.AMD
			}
			got = append(got, l.Feature)
		}
		if !known {
			got = []string{"unknown"}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s lacks %q, want %q", configuration, text, want)
		}
	}
	if m, ok := Newest("Haswell"); !ok || m.Name != "Haswell-v4" {
		t.Errorf("the newest Haswell is %q", m.Name)
	}
	if m, ok := Newest("Haswell-IBRS"); ok {
		t.Errorf("Haswell-IBRS, which is a version itself, has the newest version %q", m.Name)
	}
}

// TestVersions holds the table against what Find assumes: a version has the features of the one
// before it.
func TestVersions(t *testing.T) {
	compared := 0
	for name, m := range models() {
		base, ok, n := cutVersion(name)
		if !ok || n == 1 {
			continue
		}
		before, known := Find(base + "-v" + strconv.Itoa(n-1))
		if compared++; !known {
			t.Errorf("there is no version before %s", name)
		}
		for _, f := range before.features {
			if !slices.Contains(m.features, f) {
				t.Errorf("%s lacks %s, which %s has", name, f, before.Name)
			}
		}
	}
	if compared < 50 {
		t.Errorf("only %d versions", compared)
	}
}
