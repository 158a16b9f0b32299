package main

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/policy"
)

// libvirtHooks is where libvirt looks for hooks when it was built for a distribution (docs/hooks.rst).
const libvirtHooks = "/etc/libvirt/hooks"

// hookScript is what is stored in qemu.d: which program is called, and how.
type hookScript struct {
	program  string
	options  []string // as they are on the command line
	noAnswer noAnswer

	written time.Time // this text
	since   time.Time // when libvirt could first find the script, of whatever text
	old     bool      // the text is of an older form
}

// noAnswer is what the script does when the program ends without an answer.
type noAnswer int

const (
	// noAnswerAsk tries the program with a document that can be judged. Where there is an answer to that, the
	// guest's XML is the reason, and the guest is refused: it has met a defect. Where there is none, the program
	// or its options are the reason, and the guest starts. A program that is killed (137) has used up the memory,
	// which several large guests together can bring about: that refuses the guest, too.
	noAnswerAsk noAnswer = iota
	noAnswerRefuse
	noAnswerStart
)

// scriptMark is how a script of ours is told from others. Texts of form 1 had --dry-run for --log-only.
const (
	scriptMark = "# virt-audit hook, form "
	scriptForm = "2"
)

// text is the whole script. It looks at the operation itself, so that nothing that becomes of the
// program can kill a guest that runs; and it tells an answer, 0 or 1, from a program that is missing
// (127), may not be run (126), was killed (above 128) or has crashed (2). What it prints of the guest's name
// has no control characters, and none that echo or printf would take for theirs.
func (h *hookScript) text() string {
	words := []string{quote(h.program), hookName}
	for _, o := range h.options {
		words = append(words, quote(o))
	}
	call := strings.Join(words, " ")
	var outcome string
	switch h.noAnswer {
	case noAnswerRefuse:
		outcome = "outcome='the guest is refused (--fail-closed)' code=1\n"
	case noAnswerStart:
		outcome = "outcome='the guest is let through' code=0\n"
	default:
		outcome = `# Is it the guest's XML, or the program? A good guest tells, unless there is no memory for it either.
[ "$status" -eq 137 ] || ` + call + ` --log=stderr -- control ` + opPrepare + ` begin - >/dev/null 2>&1 <<'END'
` + controlGuest + `
END
if [ $? -le 1 ]; then
	outcome='it does so with the XML of this guest, which is refused' code=1
else
	outcome='the guest is let through' code=0
fi
`
	}
	return `#!/bin/sh
` + scriptMark + scriptForm + `
# Written by 'virt-audit hook install'; install again to change it. 'virt-audit hook status' reports
# whether it is active.
# written ` + h.written.Format(time.RFC3339Nano) + ` since ` + h.since.Format(time.RFC3339Nano) + `
exec >&2 # libvirt takes what a hook prints on standard output for the guest's new XML
case ${2-} in
` + opPrepare + " | " + opRestore + " | " + opMigrate + `) ;;
*) exit 0 ;; # libvirt kills the running guest for another answer to "reconnect"
esac
` + call + ` -- "$@"
status=$?
[ "$status" -le 1 ] && exit "$status"
` + outcome + `name=$(printf '%s' "$1" | LC_ALL=C tr '\000-\037\177-\377' '?')
message="guest '$name' cannot be judged, the program ended with status $status: $outcome"
printf 'virt-audit: %s\n' "$message"
logger -t virt-audit -p daemon.err -- "$message" 2>/dev/null
exit "$code"
`
}

// quote returns a word that a shell takes for the text, and nothing else.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

var quoted = regexp.MustCompile(`'[^']*'(?:\\''[^']*')*`)

// parseScript reads back what text has written. It returns nil for a script that is not ours; a
// script of ours that was changed by hand has another text.
func parseScript(text string) *hookScript {
	form, ours := strings.CutPrefix(text, "#!/bin/sh\n"+scriptMark)
	if !ours {
		return nil
	}
	form, _, _ = strings.Cut(form, "\n")
	h := &hookScript{old: form != scriptForm}
	for line := range strings.Lines(text) {
		if times, ok := strings.CutPrefix(line, "# written "); ok {
			written, since, _ := strings.Cut(strings.TrimSpace(times), " since ")
			h.written, _ = time.Parse(time.RFC3339, written)
			h.since, _ = time.Parse(time.RFC3339, since)
		}
		call, ok := strings.CutSuffix(line, " -- \"$@\"\n")
		if !ok {
			continue
		}
		for i, word := range quoted.FindAllString(call, -1) {
			word = strings.ReplaceAll(word[1:len(word)-1], `'\''`, "'")
			if i == 0 {
				h.program = word
			} else {
				h.options = append(h.options, word)
			}
		}
		break
	}
	h.noAnswer = afterFailure(h.options)
	return h
}

// afterFailure returns what the script does without an answer, by its options.
func afterFailure(options []string) noAnswer {
	switch {
	case slices.Contains(options, "--log-only"):
		return noAnswerStart
	case slices.Contains(options, "--fail-closed"):
		return noAnswerRefuse
	case slices.Contains(options, "--allow-unreadable"):
		return noAnswerStart
	}
	return noAnswerAsk
}

// foundSince returns since when libvirt can find an executable script of ours: since it was changed
// last, or, where that was when it was written, since the time that is written in it.
func (h *hookScript) foundSince(info fs.FileInfo) time.Time {
	changed := changeTime(info)
	if d := changed.Sub(h.written); d < -5*time.Second || d > 5*time.Second {
		return changed
	}
	return h.since
}

// changeTime is when content, mode or name of a file changed last.
func changeTime(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Ctim.Unix())
	}
	return info.ModTime()
}

// bakedOptions returns the options of the decision that were given, or that a variable in the
// environment gives, as the script is to pass them: libvirt leaves nothing of the environment.
// What is refused is always written down, so that another version does not refuse something else.
// It has to be asked before the configuration is read: what that says is looked up at each start, so
// that changes of it count.
func bakedOptions(c *cli.Context) ([]string, error) {
	file, none, err := configOption(c)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range hookDecisionFlags() {
		name := f.Names()[0]
		value := ""
		switch f.(type) {
		case *cli.StringSliceFlag:
			value = strings.Join(list(c.StringSlice(name)), ",")
			if name == "refuse" && value == "" {
				value = strings.Join(defaultRefuse, ",")
			}
		case *cli.BoolFlag:
			if c.Bool(name) && (name != "no-config" || none) {
				out = append(out, "--"+name)
			}
			continue
		default:
			if c.IsSet(name) {
				value = fmt.Sprint(c.Value(name))
			}
			if name == "config" {
				value = file
			}
		}
		if value == "" {
			continue
		}
		if isFile(name, value) { // which is to be found from anywhere
			if value, err = filepath.Abs(value); err != nil {
				return nil, err
			}
		}
		out = append(out, "--"+name+"="+value)
	}
	return out, nil
}

// isFile reports whether the value of an option of the decision names a file or folder.
func isFile(option, value string) bool {
	switch option {
	case "config", "host-root":
		return true
	case "policy":
		return !slices.Contains(policy.Names(), value)
	}
	return false
}

// unusable returns why no decision can be made with the options of the script, as libvirt runs it: in
// another directory, and without the environment at hand. It returns nil where one can be made that nobody
// but root, and the user whose script it is, has a say in.
func (h *hookScript) unusable(uid uint32) error {
	app := newApp(newStreams(strings.NewReader(""), io.Discard, io.Discard))
	hook := command(app.Commands, hookName)
	for _, f := range slices.Concat(app.Flags, hook.Flags) {
		withoutEnvironment(f)
	}
	hook.Action = func(c *cli.Context) error {
		for _, name := range []string{"config", "policy", "host-root"} {
			if value := c.String(name); c.IsSet(name) && isFile(name, value) && !filepath.IsAbs(value) {
				return usagef("--%s=%s is looked for in the directory that libvirt runs hooks in", name, value)
			}
		}
		setup, err := hookConfig(c)
		if err != nil {
			return err
		}
		if why := setup.distrusted(uid); why != "" {
			return usagef("%s", why)
		}
		return nil
	}
	args, err := arrange(app, append([]string{app.Name, hook.Name}, h.options...))
	if err != nil {
		return err
	}
	return app.Run(args)
}

// withoutEnvironment keeps an option from being set by a variable.
func withoutEnvironment(f cli.Flag) {
	switch f := f.(type) {
	case *cli.StringFlag:
		f.EnvVars = nil
	case *cli.StringSliceFlag:
		f.EnvVars = nil
	case *cli.BoolFlag:
		f.EnvVars = nil
	case *cli.DurationFlag:
		f.EnvVars = nil
	case *cli.IntFlag:
		f.EnvVars = nil
	}
}
