// Package completion is 'virt-audit completion': it prints the shells' scripts, and answers what
// these ask. They ask at each press of the key: rules and options are then those of the executable
// that runs, custom rules among them.
package completion

import (
	"fmt"
	"os"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
	"github.com/virt-audit/virt-audit/packaging/completion"
)

// New returns the command.
func New() *command.Command {
	return &command.Command{
		Name:        "completion",
		Usage:       "print the script that makes a shell complete commands, options and values",
		Description: "The packages install these scripts. Otherwise a line in the shell's configuration loads them.",
		Subcommands: []*command.Command{
			shell("bash", completion.Bash, "for ~/.bashrc: 'source <(virt-audit completion bash)'"),
			shell("zsh", completion.Zsh, "for ~/.zshrc, after compinit: 'source <(virt-audit completion zsh)'"),
			shell("fish", completion.Fish, "for ~/.config/fish/config.fish: 'virt-audit completion fish | source'"),
			{
				Name: "words", Usage: "what the scripts ask", Hidden: true, Run: words,
				Arguments: []command.Argument{{Metavar: "WORD", Optional: true, Repeated: true}},
			},
		},
	}
}

func shell(name, script, usage string) *command.Command {
	return &command.Command{Name: name, Usage: usage, Run: func(inv *command.Invocation) error {
		_, err := inv.Out.Write([]byte(script))
		return err
	}}
}

// words answers "completion words -- WORD...", the words of a command line without the executable,
// the last of them up to the cursor. The lines of the answer are
//
//	prefix TEXT        of the last word: what is before the part that is completed
//	word   TEXT ABOUT  a word that may follow
//	files  ENDING...   files may follow, and directories; without an ending any file, with "/" directories alone
//	list               more words may follow after a comma
//
// with tabs between the fields. No guest is read and no connection is made; custom rules are in the
// site's configuration.
func words(inv *command.Invocation) error {
	typed := inv.Args
	if len(typed) == 0 {
		typed = []string{""}
	}
	line := newCommandLine(inv.Program, typed[:len(typed)-1])
	o := &offer{rules: line.siteRules}
	line.offer(o, typed[len(typed)-1])
	_, err := inv.Out.Write([]byte(o.String()))
	return err
}

// siteRules returns the rules that exist by the configuration that the line and the environment
// name, or the built-in ones alone if the configuration has an error.
func (l *commandLine) siteRules() []*audit.Rule {
	none := &site.Site{}
	configuration := options.NewConfiguration()
	if err := command.SetFromEnvironment(configuration.Flags()); err != nil {
		return none.All()
	}
	for _, f := range configuration.Flags() {
		if value, ok := l.values[f.Name]; ok && (value != "" || !f.TakesValue()) {
			if !f.TakesValue() {
				value = "true"
			}
			_ = f.Set(value)
		}
	}
	name, _, err := configuration.Chosen()
	if err != nil || name == "-" {
		return none.All()
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return none.All() // reading it could block
	}
	x, err := configuration.Resolve(nil, ".")
	if err != nil {
		return none.All()
	}
	return x.All()
}

// offer is what may follow at the cursor.
type offer struct {
	prefix  string
	words   []command.Word
	files   bool
	endings []string
	list    bool
	rules   func() []*audit.Rule
}

func (o *offer) word(text, about string) {
	o.words = append(o.words, command.Word{Text: text, About: about})
}

// add offers what completes a value or an argument.
func (o *offer) add(c command.Completion, program *command.Command) {
	if c.Words != nil {
		o.words = append(o.words, c.Words()...)
	}
	if c.Rules {
		for _, r := range o.rules() {
			o.word(r.ID, r.Title)
		}
	}
	if c.Commands {
		for _, sub := range program.Subcommands {
			o.word(sub.Name, sub.Usage)
		}
	}
	if c.Files {
		o.files, o.endings = true, c.Endings
	}
	for _, w := range c.Not {
		o.remove(w)
	}
}

// remove offers a word no more.
func (o *offer) remove(text string) {
	for i, w := range o.words {
		if w.Text == text {
			o.words = append(o.words[:i], o.words[i+1:]...)
			return
		}
	}
}

func (o *offer) String() string {
	var b strings.Builder
	line := func(fields ...string) {
		for i, f := range fields {
			fields[i] = report.Printable(strings.Join(strings.Fields(f), " "))
		}
		b.WriteString(strings.Join(fields, "\t") + "\n")
	}
	if strings.ContainsAny(o.prefix, "\t\n") {
		return "" // the answer cannot express it, and no word of the table begins so
	}
	if o.prefix != "" {
		fmt.Fprintf(&b, "prefix\t%s\n", o.prefix)
	}
	for _, w := range o.words {
		line("word", w.Text, w.About)
	}
	if o.files {
		line("files", strings.Join(o.endings, " "))
	}
	if o.list {
		line("list", "")
	}
	return b.String()
}
