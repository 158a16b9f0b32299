package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/packaging/completion"
)

// completionCommand prints the shells' scripts. These ask for the words at each press of the key: rules
// and options are then those of the program that runs, a site's own rules among them.
func (s *streams) completionCommand() *cli.Command {
	shell := func(name, script, usage string) *cli.Command {
		return &cli.Command{
			Name: name, Usage: usage,
			Action: func(c *cli.Context) error {
				if c.NArg() > 0 {
					return usagef("completion %s takes no operand", name)
				}
				_, err := s.out.Write([]byte(script))
				return err
			},
		}
	}
	return &cli.Command{
		Name:        "completion",
		Usage:       "print the script that makes a shell complete commands, options and values",
		Description: "The packages install these scripts. Otherwise a line in the shell's configuration loads them.",
		Subcommands: []*cli.Command{
			shell("bash", completion.Bash, "for ~/.bashrc: 'source <(virt-audit completion bash)'"),
			shell("zsh", completion.Zsh, "for ~/.zshrc, behind compinit: 'source <(virt-audit completion zsh)'"),
			shell("fish", completion.Fish, "for ~/.config/fish/config.fish: 'virt-audit completion fish | source'"),
			{Name: "words", Usage: "what the scripts ask", ArgsUsage: "WORD...", Hidden: true, Action: s.completionWords},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return &usageError{"completion requires the name of a shell", "bash, zsh or fish"}
			}
			return &usageError{fmt.Sprintf("there is no completion for %q", report.Printable(c.Args().First())), "there is for bash, zsh and fish"}
		},
	}
}

// completionWords answers "completion words -- WORD...", the words of a command line without the program,
// the last of them up to the cursor. The lines of the answer are
//
//	prefix TEXT        of the last word: what stands before the part that is completed
//	word   TEXT ABOUT  may stand there
//	files  ENDING...   may stand there, and folders; without an ending any file, with "/" folders alone
//	list               more words may follow behind a comma
//
// with tabs between the fields. No guest is read and no connection is made; rules of the site's are in its
// configuration.
func (s *streams) completionWords(c *cli.Context) error {
	words := c.Args().Slice()
	if len(words) == 0 {
		words = []string{""}
	}
	line := newCommandLine(newApp(s), words[:len(words)-1])
	o := &offer{rules: func() []*audit.Rule { return siteRules(c, line) }}
	line.offer(o, words[len(words)-1])
	_, err := s.out.Write([]byte(o.String()))
	return err
}

// siteRules returns the rules that there are by the configuration that the line says, or ours alone where
// something is wrong with it.
func siteRules(c *cli.Context, line *commandLine) []*audit.Rule {
	if name := line.values["config"]; name != "" {
		if info, err := os.Stat(name); name == "-" || err == nil && !info.Mode().IsRegular() {
			return (&site{}).all() // it would be waited for
		}
		_ = setTyped(c, "config", name)
	}
	if line.has("no-config") {
		_ = setTyped(c, "no-config", "true")
	}
	x, err := siteOption(c, ".")
	if err != nil {
		x = &site{}
	}
	return x.all()
}

// offer is what may stand at the cursor.
type offer struct {
	prefix string
	words  []word
	files  bool
	ending []string
	list   bool
	rules  func() []*audit.Rule
}

type word struct{ text, about string }

func (o *offer) word(text, about string) { o.words = append(o.words, word{text, about}) }

func (o *offer) String() string {
	var b strings.Builder
	line := func(fields ...string) {
		for i, f := range fields {
			fields[i] = report.Printable(strings.Join(strings.Fields(f), " "))
		}
		b.WriteString(strings.Join(fields, "\t") + "\n")
	}
	if strings.ContainsAny(o.prefix, "\t\n") {
		return "" // there is no way to say it, and nothing of ours begins so
	}
	if o.prefix != "" {
		fmt.Fprintf(&b, "prefix\t%s\n", o.prefix)
	}
	for _, w := range o.words {
		line("word", w.text, w.about)
	}
	if o.files {
		line("files", strings.Join(o.ending, " "))
	}
	if o.list {
		line("list", "")
	}
	return b.String()
}
