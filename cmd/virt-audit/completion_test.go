package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// TestCompletionWords asks as the scripts do. In a line, "|" stands between words, and the last of them is
// the one at the cursor; an answer has its lines' first two fields.
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
		{"--skip-rule|", []string{"word bnd-accel-tcg", "list "}, nil},
		{"--skip-rule=sec-luks-weak,bnd-accel-tcg,", []string{"prefix --skip-rule=sec-luks-weak,bnd-accel-tcg,", "word bnd-machine-unlisted"}, []string{"word bnd-accel-tcg"}},
		{"explain|bnd-accel-tcg|", []string{"word bnd-accel-unlisted"}, []string{"files xml save"}},
		{"explain|-", []string{"word --color"}, []string{"word --fail-on", "word --version"}},
		{"rules|--format|", []string{"word markdown"}, nil},
		{"policy|", []string{"word show", "word check"}, []string{"files xml save"}},
		{"policy|show|", []string{"word qemu-10.2", "files "}, nil},
		{"policy|show|qemu-10.2|", nil, []string{"word qemu-10.2"}},
		{"policy|check|--os|", []string{"word hvm", "word exe"}, nil},
		{"hook|", []string{"word install", "word status", "word uninstall"}, nil},
		{"hook|install|", nil, []string{"word install"}},
		{"hook|install|--refuse|outside,", []string{"word undetermined", "word critical", "word bnd-accel-tcg"}, []string{"word outside", "word " + notInHooks[0]}},
		{"hook|--log|", []string{"word syslog", "word stderr"}, nil},
		{"waive|web.xml|", []string{"word bnd-accel-tcg"}, []string{"files "}},
		{"diff|old.json|", []string{"files json"}, nil},
		{"completion|", []string{"word bash", "word zsh", "word fish"}, []string{"word words"}},
		{"--rule|a\tb,", nil, []string{"word bnd-accel-tcg"}}, // cannot be said
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
		t.Error("operands name guests where the environment has a connection, but files are offered")
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
		if strings.Contains(out, offered) || !strings.Contains(out, "word\tbnd-accel-tcg\t") || errOut != "" {
			t.Errorf("%v: %s%s", args, out, errOut)
		}
	}
}

// TestCompletionKinds wants it to be known of every value and every operand how it completes.
func TestCompletionKinds(t *testing.T) {
	used := map[string]bool{"DOMAIN": true, "EDITION": true}
	check := func(command string, flags []cli.Flag, usage string) {
		for _, f := range flags {
			kind, _ := placeholder(f)
			if takesValue(f) && kind == "" {
				t.Errorf("%s %s: the usage has no `PLACEHOLDER` for its value", command, dashed(f.Names()[0]))
			}
			for _, kind := range strings.FieldsFunc(kind, func(r rune) bool { return strings.ContainsRune("[],:", r) }) {
				if _, ok := kinds[kind]; !ok {
					t.Errorf("%s %s: add to kinds how a `%s` completes", command, dashed(f.Names()[0]), kind)
				}
				used[kind] = true
			}
		}
		for i := range strings.Fields(usage) {
			for _, kind := range operandKinds(usage, i) {
				if _, ok := kinds[kind]; !ok && !strings.Contains(kind, ".") {
					t.Errorf("%s: add to kinds how a %s completes", command, kind)
				}
				used[kind] = true
			}
		}
	}
	app := newApp(&streams{})
	check(app.Name, app.Flags, "")
	each(app.Commands, func(c *cli.Command) { check(c.Name, c.Flags, c.ArgsUsage) })
	for kind := range kinds {
		if !used[kind] {
			t.Errorf("no option and no operand is a %s", kind)
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

// completed are lines as they are typed, with a press of the tabulator at their ends, and the arguments
// that the program is started with then. A slash at the end of a folder is left out, as zsh does.
var completed = []struct {
	line string
	want []string
}{
	{`expl`, []string{"explain"}},
	{`explain bnd-accel-t`, []string{"explain", "bnd-accel-tcg"}},
	{`web.xml --min-sev`, []string{"web.xml", "--min-severity"}},
	{`web.xml --fail-on h`, []string{"web.xml", "--fail-on", "high"}},
	{`--fail-on=h`, []string{"--fail-on=high"}},
	{`--rule bnd-accel-tcg,bnd-accel-unl`, []string{"--rule", "bnd-accel-tcg,bnd-accel-unlisted"}},
	{`-c qemu:///se`, []string{"-c", "qemu:///session"}},
	{`my\ f`, []string{"my file.xml"}},
	{`a:`, []string{"a:b.xml"}},
	{`a=`, []string{"a=b.xml"}},
	{`it`, []string{"it's.xml"}},
	{`do`, []string{"do$llar.xml"}},
	{`web`, []string{"web.xml"}}, // and not web.txt
	{`mem`, []string{"mem.img"}}, // as there is no other
	{`fold`, []string{"folder"}},
	{`c:d/o`, []string{"c:d/on e.xml"}},
	{`~/my`, []string{"HOME/my file.xml"}},
	{`--facts=sp`, []string{"--facts=sp ace.txt"}},
	{`--facts=web.t`, []string{"--facts=web.txt"}},
	{`-f json:sp`, []string{"-f", "json:sp ace.txt"}},
	{`--format=json:sp`, []string{"--format=json:sp ace.txt"}},
	{`--host-root c`, []string{"--host-root", "c:d"}},
	{`-- --co`, []string{"--", "--color.xml"}},
	{`"my f`, []string{"my file.xml"}},
	{`--facts='sp`, []string{"--facts=sp ace.txt"}},
}

// TestCompletionShells types into the real shells.
func TestCompletionShells(t *testing.T) {
	scripts, err := filepath.Abs("../../packaging/completion")
	if err != nil {
		t.Fatal(err)
	}
	for shell, drive := range map[string]func(t *testing.T, dir, scripts string) [][]string{"bash": inBash, "zsh": inZsh, "fish": inFish} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Fatalf("%s is not installed: 'make tools' installs it (package %s)", shell, shell)
			}
			dir := t.TempDir()
			for _, name := range []string{"my file.xml", "a:b.xml", "a=b.xml", "it's.xml", "do$llar.xml", "web.xml", "web.txt", "mem.img", "sp ace.txt", "--color.xml", "explain.txt", "cd", "folder/x.xml", "c:d/on e.xml"} {
				name = filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := drive(t, dir, scripts)
			for i, test := range completed {
				want := slices.Clone(test.want)
				for j := range want {
					want[j] = strings.Replace(want[j], "HOME", dir, 1)
				}
				if i >= len(got) {
					t.Fatalf("virt-audit %s: the shell did not come so far", test.line)
				}
				if shell == "fish" { // which tells what stands at the cursor alone
					want = want[len(want)-1:]
				}
				if !slices.Equal(got[i], want) {
					t.Errorf("virt-audit %s<TAB>: %q, want %q", test.line, got[i], want)
				}
			}
		})
	}
}

// shell runs a shell in dir, which is its home too, and returns what it prints. A shell that waits for more
// is ended.
func shell(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "INPUTRC=/dev/null", "TERM=dumb", "LC_ALL=C.UTF-8", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%s: %v", args[0], err)
	}
	return string(out)
}

// arguments reads "<one><two>" lines, of a function that stands in for the program when the line is entered.
func arguments(text string) (out [][]string) {
	for line := range strings.Lines(text) {
		line = strings.Trim(strings.TrimSuffix(line, "\n"), "<>")
		args := strings.Split(line, "><")
		for i := range args {
			args[i] = strings.TrimSuffix(args[i], "/")
		}
		out = append(out, args)
	}
	return out
}

const entered = "virt-audit() { { printf '<%s>' \"$@\"; echo; } >>~/entered.log; }\n"

// inBash has one bash for each line, so that a quote that stays open harms no other. Bash edits lines from
// a pipe as it does at a terminal.
func inBash(t *testing.T, dir, scripts string) [][]string {
	t.Helper()
	rc := filepath.Join(t.TempDir(), "rc")
	if err := os.WriteFile(rc, []byte("source '"+scripts+"/virt-audit.bash'\n"+entered), 0o600); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, test := range completed {
		shell(t, dir, "virt-audit "+test.line+"\t\n", "bash", "--noprofile", "--rcfile", rc, "-i")
		text, err := os.ReadFile(filepath.Join(dir, "entered.log"))
		if err != nil {
			text = []byte("<nothing was entered>")
		}
		_ = os.Remove(filepath.Join(dir, "entered.log"))
		got = append(got, arguments(string(text))...)
	}
	return got
}

// zshDriver gives the lines of standard input to an interactive zsh at a terminal of its own.
const zshDriver = `
zmodload zsh/zpty
zpty -b child zsh -f -i
await() { local text chunk; while zpty -r child chunk $'*\n*'; do text+=$chunk; [[ $text == *$1* ]] && return; done }
zpty -w child "PS1=; unsetopt beep zle_bracketed_paste; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w child "$2"
while IFS= read -r line; do
  zpty -w child "virt-audit $line"$'\t'
  zpty -w child 'print -r "DO""NE"'
  await DONE
done
zpty -d child
`

func inZsh(t *testing.T, dir, scripts string) [][]string {
	t.Helper()
	var lines strings.Builder
	for _, test := range completed {
		lines.WriteString(test.line + "\n")
	}
	shell(t, dir, lines.String(), "zsh", "-f", "-c", zshDriver, "zsh", scripts, entered)
	text, err := os.ReadFile(filepath.Join(dir, "entered.log"))
	if err != nil {
		t.Fatal(err)
	}
	return arguments(string(text))
}

// inFish asks fish itself what it would complete to, which is one word.
func inFish(t *testing.T, dir, scripts string) [][]string {
	t.Helper()
	var lines strings.Builder
	for _, test := range completed {
		lines.WriteString("virt-audit " + test.line + "\n")
	}
	out := shell(t, dir, lines.String(), "fish", "--no-config", "-c", "source "+scripts+`/virt-audit.fish
		while read -l line
			set -l words (complete -C "$line" | string replace -r '\t.*' '' | string replace -r '^~' ~)
			printf '<%s>' $words
			echo
		end`)
	return arguments(out)
}
