package hook

import (
	"encoding/json"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
)

// script is what 'hook install' writes into qemu.d: which executable is called, and how. The second
// line of the script has it as JSON, so that nothing of the shell's text is ever parsed.
type script struct {
	Program string    `json:"program"`
	Options []string  `json:"options"` // as they are on the command line
	Written time.Time `json:"written"` // this text
	Since   time.Time `json:"since"`   // when libvirt could first find the script, of whatever text

	old bool // the text is of an older form
}

// The second line of a script is scriptMark, the form of its text, a colon and JSON.
const (
	scriptHead = "#!/bin/sh\n"
	scriptMark = "# virt-audit hook, form "
	scriptForm = "3"
)

// parseScript reads the second line of a script. It returns nil if 'hook install' has not written
// it. A script that was changed by hand differs from the text of what is returned.
func parseScript(text string) *script {
	mark, ok := strings.CutPrefix(text, scriptHead+scriptMark)
	if !ok {
		return nil
	}
	mark, _, _ = strings.Cut(mark, "\n")
	form, data, _ := strings.Cut(mark, ": ")
	s := &script{}
	if form != scriptForm || json.Unmarshal([]byte(data), s) != nil {
		return &script{old: true}
	}
	return s
}

// mark returns the second line of the script.
func (s *script) mark() string {
	data, err := json.Marshal(s)
	if err != nil {
		panic(err) // texts and times always have a form in JSON
	}
	return scriptMark + scriptForm + ": " + string(data) + "\n"
}

// check returns an error if the script cannot be written so that it is read back.
func (s *script) check() error {
	for _, word := range append([]string{s.Program}, s.Options...) {
		if !utf8.ValidString(word) {
			return cmdutil.Usagef("%q cannot be written into the script: it is not UTF-8", word)
		}
	}
	return nil
}

// noAnswer is what the script does when virt-audit ends without an answer.
type noAnswer int

const (
	// noAnswerTry tries virt-audit with a document that can be judged. If it answers, the guest's
	// XML is the reason, and the guest is refused: it has met a defect. If not, virt-audit or its
	// options are the reason, and the guest starts. A process that is killed (137) has used up the
	// memory, which several large guests together can cause: that refuses the guest, too.
	noAnswerTry noAnswer = iota
	noAnswerRefuse
	noAnswerStart
)

// afterFailure returns what a script with these options does without an answer.
func (s *script) afterFailure() noAnswer {
	switch {
	case slices.Contains(s.Options, "--log-only"):
		return noAnswerStart
	case slices.Contains(s.Options, "--fail-closed"):
		return noAnswerRefuse
	case slices.Contains(s.Options, "--allow-unreadable"):
		return noAnswerStart
	}
	return noAnswerTry
}

// text returns the whole script. It looks at the operation itself, so that no failure of virt-audit
// can kill a guest that runs; and it distinguishes an answer, 0 or 1, from an executable that is
// missing (127), may not be run (126), was killed (above 128) or has crashed (2). What it prints of
// the guest's name has no control characters, and none that echo or printf would interpret.
func (s *script) text() string {
	words := []string{report.ShellQuote(s.Program), "hook", "decide"}
	for _, o := range s.Options {
		words = append(words, report.ShellQuote(o))
	}
	call := strings.Join(words, " ")
	var outcome string
	switch s.afterFailure() {
	case noAnswerRefuse:
		outcome = "outcome='the guest is refused (--fail-closed)' code=1\n"
	case noAnswerStart:
		outcome = "outcome='the guest is let through' code=0\n"
	default:
		outcome = `# Is it the guest's XML, or virt-audit? A valid guest shows it, unless the memory is used up.
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
	return scriptHead + s.mark() + `# Written by 'virt-audit hook install'; install again to change it. 'virt-audit hook status' reports
# whether it is active.
exec >&2 # libvirt reads the guest's new XML from standard output
case ${2-} in
` + opPrepare + " | " + opRestore + " | " + opMigrate + `) ;;
*) exit 0 ;; # libvirt kills the running guest for another answer to "reconnect"
esac
` + call + ` -- "$@"
status=$?
[ "$status" -le 1 ] && exit "$status"
` + outcome + `name=$(printf '%s' "$1" | LC_ALL=C tr '\000-\037\177-\377' '?')
message="guest '$name' cannot be judged, virt-audit ended with status $status: $outcome"
printf 'virt-audit: %s\n' "$message"
logger -t virt-audit -p daemon.err -- "$message" 2>/dev/null
exit "$code"
`
}

// foundSince returns since when libvirt can find the executable script: since it was changed last,
// or, if that was when it was written, since the time that is stored in it.
func (s *script) foundSince(info fs.FileInfo) time.Time {
	changed := changeTime(info)
	if d := changed.Sub(s.Written); d < -5*time.Second || d > 5*time.Second {
		return changed
	}
	return s.Since
}

// changeTime returns when content, mode or name of a file changed last.
func changeTime(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Ctim.Unix())
	}
	return info.ModTime()
}

// unusable returns why no decision can be made with the options of the script, as libvirt runs it:
// in another directory, and without the environment. It returns nil if one can be made in which
// only root, and the user with the ID uid, has a say.
func (s *script) unusable(uid uint32) error {
	d := newDecision()
	if err := command.ParseOptions(d.rows, s.Options); err != nil {
		return err
	}
	for _, f := range d.rows {
		if f.IsSet() && f.IsFile() && !filepath.IsAbs(f.Value.String()) {
			return cmdutil.Usagef("--%s=%s is relative to the directory that libvirt runs hooks in", f.Name, f.Value)
		}
	}
	setup, err := d.resolve()
	if err != nil {
		return err
	}
	if why := setup.distrusted(uid); why != "" {
		return cmdutil.Usagef("%s", why)
	}
	return nil
}
