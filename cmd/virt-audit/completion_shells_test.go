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

	"github.com/virt-audit/virt-audit/testdata/need"
)

// completed are lines as they are typed, with a press of the tabulator at their ends, and the
// arguments that virt-audit is started with then. A slash at the end of a directory is omitted, as
// zsh does.
var completed = []struct {
	line string
	want []string
}{
	{`expl`, []string{"explain"}},
	{`explain boundary-accel-t`, []string{"explain", "boundary-accel-tcg"}},
	{`web.xml --min-sev`, []string{"web.xml", "--min-severity"}},
	{`web.xml --fail-on h`, []string{"web.xml", "--fail-on", "high"}},
	{`--fail-on=h`, []string{"--fail-on=high"}},
	{`--rule boundary-accel-tcg,boundary-accel-unl`, []string{"--rule", "boundary-accel-tcg,boundary-accel-unlisted"}},
	{`-c qemu:///se`, []string{"-c", "qemu:///session"}},
	{`my\ f`, []string{"my file.xml"}},
	{`a:`, []string{"a:b.xml"}},
	{`a=`, []string{"a=b.xml"}},
	{`it`, []string{"it's.xml"}},
	{`do`, []string{"do$llar.xml"}},
	{`web`, []string{"web.xml"}}, // and not web.txt
	{`mem`, []string{"mem.img"}}, // as there is no other
	{`fold`, []string{"folded"}},
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
			need.Programs(t, shell)
			need.Alone(t, "a shell at work")
			dir := t.TempDir()
			for _, name := range []string{"my file.xml", "a:b.xml", "a=b.xml", "it's.xml", "do$llar.xml", "web.xml", "web.txt", "mem.img", "sp ace.txt", "--color.xml", "explain.txt", "cd", "folded/x.xml", "c:d/on e.xml"} {
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
				if shell == "fish" { // which prints only the word at the cursor
					want = want[len(want)-1:]
				}
				if !slices.Equal(got[i], want) {
					t.Errorf("virt-audit %s<TAB>: %q, want %q", test.line, got[i], want)
				}
			}
		})
	}
}

// shell runs a shell in dir, which is its home too, and returns what it prints. A shell that waits
// for more is ended.
func shell(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
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

// arguments reads "<one><two>" lines, of a function that replaces virt-audit when the line is
// entered.
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

// inBash has one bash for each line, so that a quote that stays open harms no other. Bash edits
// lines from a pipe as it does at a terminal.
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
