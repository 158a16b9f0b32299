package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
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

// hookScript is what stands in qemu.d: which program is called, and how.
type hookScript struct {
	program    string
	options    []string // as they stand on the command line
	failClosed bool     // what the script does when the program gives no answer

	written time.Time // this text
	since   time.Time // when libvirt could first find the script, of whatever text
}

// hookMark is how a script of ours is told from others.
const hookMark = "# virt-audit hook, form 1"

// text is the whole script. It looks at the operation itself, so that nothing that becomes of the
// program can kill a guest that runs; and it tells an answer, 0 or 1, from a program that is missing
// (127), may not be run (126), was killed (above 128) or has crashed (2).
func (h *hookScript) text() string {
	words := []string{quote(h.program), "hook"}
	for _, o := range h.options {
		words = append(words, quote(o))
	}
	outcome, code := "the guest is let through", "0"
	if h.failClosed {
		outcome, code = "the guest is refused (--fail-closed)", "1"
	}
	return `#!/bin/sh
` + hookMark + `
# Written by 'virt-audit hook install'; install again to change it. 'virt-audit hook status' tells
# whether it is in force.
# written ` + h.written.Format(time.RFC3339Nano) + ` since ` + h.since.Format(time.RFC3339Nano) + `
exec >&2 # what a hook prints, libvirt takes for the guest's new XML
case ${2-} in
` + opPrepare + " | " + opRestore + " | " + opMigrate + `) ;;
*) exit 0 ;; # libvirt kills the running guest for another answer to "reconnect"
esac
` + strings.Join(words, " ") + ` -- "$@"
status=$?
[ "$status" -le 1 ] && exit "$status"
message="guest '$1' cannot be judged, the program ended with status $status: ` + outcome + `"
echo "virt-audit: $message"
logger -t virt-audit -p daemon.err -- "$message" 2>/dev/null
exit ` + code + `
`
}

// quote returns a word that a shell takes for the text, and nothing else.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

var quoted = regexp.MustCompile(`'[^']*'(?:\\''[^']*')*`)

// parseScript reads back what text has written. It returns nil for a script that is not ours; a
// script of ours that was changed by hand has another text.
func parseScript(text string) *hookScript {
	if !strings.HasPrefix(text, "#!/bin/sh\n"+hookMark+"\n") {
		return nil
	}
	h := &hookScript{failClosed: strings.HasSuffix(text, "exit 1\n")}
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
	return h
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
// another folder, and without the environment at hand. It returns nil where one can be made.
func (h *hookScript) unusable() error {
	app := newApp(newStreams(strings.NewReader(""), io.Discard, io.Discard))
	hook := command(app.Commands, "hook")
	for _, f := range slices.Concat(app.Flags, hook.Flags) {
		withoutEnvironment(f)
	}
	hook.Action = func(c *cli.Context) error {
		for _, name := range []string{"config", "policy", "host-root"} {
			if value := c.String(name); c.IsSet(name) && isFile(name, value) && !filepath.IsAbs(value) {
				return usagef("--%s=%s is looked for in the folder that libvirt runs hooks in", name, value)
			}
		}
		if _, _, err := hookConfig(c); err != nil {
			return err
		}
		_, err := sizeOption(c)
		return err
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

// distrust says why a program must not be run by a hook, that is, as root: somebody else could put
// another in its place. It returns "" for a program that only its owner, root or us, can change.
func distrust(program string) string {
	for path := program; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return err.Error()
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return ""
		}
		sticky := info.IsDir() && info.Mode()&os.ModeSticky != 0
		switch {
		case st.Uid != 0 && int(st.Uid) != os.Geteuid():
			return path + " belongs to another user"
		case info.Mode().Perm()&0o002 != 0 && !sticky:
			return path + " can be changed by every user"
		case path == filepath.Dir(path):
			return ""
		}
	}
}
