package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletionWords asks as the scripts do. In a line, "|" is between words, and the last of them
// is the one at the cursor; an answer has its lines' first two fields.
func TestCompletionWords(t *testing.T) {
	tests := []struct {
		line       string
		want, lack []string
	}{
		{"", []string{"word explain", "word completion", "files xml save"}, []string{"word --quiet", "word words"}},
		{"web.xml|", []string{"files xml save"}, []string{"word explain"}},
		{"-c|qemu:///system|", nil, []string{"files xml save"}},
		{"-q|-", []string{"word --fail-on", "word -f", "word --version", "word --help"}, []string{"word --quiet", "word -q"}},
		{"web.xml|--", []string{"word --fail-on"}, []string{"word -f"}},
		{"--|-", []string{"files xml save"}, []string{"word --fail-on", "word explain"}},
		{"--rule|x|--", []string{"word --rule"}, nil}, // may be repeated
		{"web.xml|--fail-on|", []string{"word critical", "word info"}, []string{"files xml save"}},
		{"--fail-on=", []string{"prefix --fail-on=", "word high"}, nil},
		{"--quiet=", nil, []string{"word high"}},
		{"--profile|", []string{"word baseline", "word confidential"}, nil},
		{"-qf|", []string{"word text", "word json"}, nil},
		{"-fj", []string{"prefix -f", "word json"}, nil},
		{"--format|json:a", []string{"prefix json:", "files "}, []string{"word json"}},
		{"-qf=json:a", nil, nil},
		{"--color|", []string{"word auto", "word always", "word never"}, nil},
		{"--policy|", []string{"word qemu-10.2", "files "}, nil},
		{"--host-arch|", []string{"word aarch64"}, nil},
		{"--host-root|", []string{"files /"}, nil},
		{"--qemu-conf|", []string{"files "}, nil},
		{"-c|", []string{"word qemu:///system", "word lxc:///system"}, nil},
		{"--stdin-name|", nil, []string{"files "}},
		{"--skip-rule|", []string{"word boundary-accel-tcg", "list "}, nil},
		{"--skip-rule=secret-luks-weak,boundary-accel-tcg,", []string{"prefix --skip-rule=secret-luks-weak,boundary-accel-tcg,", "word boundary-machine-unlisted"}, []string{"word boundary-accel-tcg"}},
		{"explain|boundary-accel-tcg|", []string{"word boundary-accel-unlisted"}, []string{"files xml save"}},
		{"explain|-", []string{"word --color"}, []string{"word --fail-on", "word --version"}},
		{"rules|--format|", []string{"word markdown"}, nil},
		{"policy|", []string{"word show", "word check"}, []string{"files xml save"}},
		{"policy|show|", []string{"word qemu-10.2", "files "}, nil},
		{"policy|show|qemu-10.2|", nil, []string{"word qemu-10.2"}},
		{"policy|check|--os|", []string{"word hvm", "word exe"}, nil},
		{"hook|", []string{"word install", "word status", "word uninstall"}, nil},
		{"hook|install|", nil, []string{"word install"}},
		{"hook|install|--refuse|outside,", []string{"word undetermined", "word critical", "word boundary-accel-tcg"}, []string{"word outside", "word secret-graphics-passwd"}},
		{"hook|install|--log|", []string{"word syslog", "word stderr"}, nil},
		{"waive|web.xml|", []string{"word boundary-accel-tcg"}, []string{"files "}},
		{"diff|old.json|", []string{"files json"}, nil},
		{"completion|", []string{"word bash", "word zsh", "word fish"}, []string{"word words"}},
		{"--rule|a\tb,", nil, []string{"word boundary-accel-tcg"}}, // the answer cannot express it
	}
	for _, test := range tests {
		out, errOut := typed(t, append([]string{"completion", "words", "--"}, strings.Split(test.line, "|")...)...)
		if errOut != "" {
			t.Errorf("%q: standard error: %s", test.line, errOut)
		}
		var got []string
		for line := range strings.Lines(out) {
			fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
			got = append(got, strings.Join(fields[:2], " "))
		}
		for _, want := range test.want {
			if !slices.Contains(got, want) {
				t.Errorf("%q: %q is missing from\n%s", test.line, want, out)
			}
		}
		for _, lack := range test.lack {
			if slices.Contains(got, lack) {
				t.Errorf("%q: %q is offered", test.line, lack)
			}
		}
		if len(test.want) == 0 && len(test.lack) == 0 && out != "" {
			t.Errorf("%q: there is nothing to offer, but\n%s", test.line, out)
		}
	}
	t.Setenv("VIRT_AUDIT_CONNECT", "qemu:///system")
	if out, _ := typed(t, "completion", "words", "--", ""); strings.Contains(out, "files") {
		t.Error("arguments name guests if the environment has a connection, but files are offered")
	}
}

// TestCompletionSite offers a site's own rules, and ours alone where the configuration is wrong.
func TestCompletionSite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "site.yaml")
	err := os.WriteFile(file, []byte("rules:\n- {id: site-tpm, title: Guest has no TPM, severity: high, expression: 'true', message: no TPM}\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	const offered = "word\tsite-tpm\t"
	out, _ := typed(t, "completion", "words", "--", "--config", file, "--rule", "")
	if !strings.Contains(out, offered) {
		t.Errorf("%q is not in\n%s", offered, out)
	}
	t.Setenv("VIRT_AUDIT_CONFIG", file)
	if out, _ := typed(t, "completion", "words", "--", "explain", ""); !strings.Contains(out, offered) {
		t.Errorf("%q is not in\n%s", offered, out)
	}
	for _, args := range [][]string{{"--no-config", "--rule", ""}, {"--config", file + "x", "--rule", ""}} {
		out, errOut := typed(t, append([]string{"completion", "words", "--"}, args...)...)
		if strings.Contains(out, offered) || !strings.Contains(out, "word\tboundary-accel-tcg\t") || errOut != "" {
			t.Errorf("%v: %s%s", args, out, errOut)
		}
	}
}

func TestCompletionCommand(t *testing.T) {
	for shell, file := range map[string]string{"bash": "virt-audit.bash", "zsh": "_virt-audit", "fish": "virt-audit.fish"} {
		want, err := os.ReadFile(filepath.Join("../../packaging/completion", file))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := typed(t, "completion", shell); got != string(want) {
			t.Errorf("completion %s prints something else than what is installed", shell)
		}
	}
	for _, args := range [][]string{{}, {"csh"}, {"bash", "more"}} {
		if out, errOut := typed(t, append([]string{"completion"}, args...)...); out != "" || errOut == "" {
			t.Errorf("completion %v: %q, %q", args, out, errOut)
		}
	}
}
