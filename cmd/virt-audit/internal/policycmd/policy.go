// Package policycmd is 'virt-audit policy': it prints the policy, and judges a guest by a few
// words.
package policycmd

import (
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// New returns the command.
func New() *command.Command {
	return &command.Command{
		Name:        "policy",
		Usage:       "show the policy, or judge a type, architecture and machine without any XML",
		Subcommands: []*command.Command{list(), show(), check()},
	}
}

func list() *command.Command {
	return &command.Command{Name: "list", Usage: "list the editions that virt-audit has", Run: func(inv *command.Invocation) error {
		for i, name := range policy.Names() {
			e, err := policy.Named(name)
			if err != nil {
				return err
			}
			note := ""
			if i == 0 {
				note = " (default)"
			}
			fmt.Fprintf(inv.Out, "%-18s %s%s\n", name, e.Title, note)
		}
		return nil
	}}
}

func show() *command.Command {
	configuration, edition := options.NewConfiguration(), options.NewPolicy()
	return &command.Command{
		Name:  "show",
		Usage: "print an edition's table",
		Arguments: []command.Argument{{
			Metavar:  "EDITION|FILE",
			Optional: true,
			Complete: options.Editions,
		}},
		Flags: append(configuration.Flags(), edition.Flags()...),
		Run: func(inv *command.Invocation) error {
			if len(inv.Args) > 0 {
				e, err := options.Edition(inv.Args[0], "policy show")
				if err != nil {
					return err
				}
				return printEdition(inv.Streams, e, "")
			}
			x, err := configuration.Resolve(inv.In, ".", edition.Flag())
			if err != nil {
				return err
			}
			e, err := edition.Edition()
			if err != nil {
				return err
			}
			return printEdition(inv.Streams, e, chosenBy(x, edition.Flag()))
		},
	}
}

// chosenBy returns the place in the configuration that chooses the policy, or "".
func chosenBy(x *site.Site, f *command.Flag) string {
	if f.Source() != command.FromConfiguration {
		return ""
	}
	return x.Place(f.Key)
}

func printEdition(s *cmdutil.Streams, e *policy.Edition, chosen string) error {
	fmt.Fprintf(s.Out, "%s: %s\n%s\n", e.Name, e.Title, e.Source)
	if chosen != "" {
		fmt.Fprintf(s.Out, "chosen by %s\n", chosen)
	}
	fmt.Fprintf(s.Out, "\nA guest is inside the boundary when it uses a hardware accelerator and one of these machines:\n\n")
	for _, target := range e.Targets() {
		fmt.Fprintf(s.Out, "  %-12s %s\n", target, strings.Join(e.Families(target), ", "))
	}
	if u := e.Undecided(); len(u) > 0 {
		fmt.Fprintf(s.Out, "\nUndecided: %s\n", strings.Join(u, ", "))
	}
	if scope := e.Scope(); len(scope) > 0 {
		fmt.Fprintf(s.Out, "\nScope: for a guest inside, these are not security bugs:\n\n")
		for _, x := range scope {
			fmt.Fprintf(s.Out, "  %-13s %s\n", x.ID, x.Text)
		}
	}
	return nil
}

// guest is the guest that 'policy check' judges.
type guest struct{ kind, arch, machine, os string }

func (g *guest) flags() []*command.Flag {
	return []*command.Flag{
		{
			Name:     "type",
			Short:    "t",
			Metavar:  "TYPE",
			Usage:    "domain TYPE, such as kvm (required)",
			Complete: command.OneOf(policy.Types()...),
			Variable: options.NoVariable, Value: command.Text(&g.kind),
		},
		{
			Name:     "arch",
			Short:    "a",
			Metavar:  "ARCH",
			Usage:    "libvirt's name of the architecture, such as x86_64",
			Complete: command.OneOf(policy.Arches()...),
			Variable: options.NoVariable, Value: command.Text(&g.arch),
		},
		{
			Name:     "machine",
			Short:    "m",
			Metavar:  "MACHINE",
			Usage:    "MACHINE type, such as pc-q35-10.2",
			Variable: options.NoVariable,
			Value:    command.Text(&g.machine),
		},
		{
			Name:     "os",
			Metavar:  "TYPE",
			Usage:    "OS TYPE",
			Choices:  policy.OSTypes(),
			Complete: command.OneOf(policy.OSTypes()...),
			Variable: options.NoVariable, Value: command.Text(&g.os),
		},
	}
}

func check() *command.Command {
	g := &guest{os: "hvm"}
	configuration, edition := options.NewConfiguration(), options.NewPolicy()
	return &command.Command{
		Name:    "check",
		Usage:   "judge one guest by what the options say; exit 1 when it is not inside",
		Example: "for example: virt-audit policy check --type kvm --arch x86_64 --machine q35",
		Flags:   append(append(configuration.Flags(), g.flags()...), append(edition.Flags(), options.NewColor().Flags()...)...),
		Run: func(inv *command.Invocation) error {
			x, err := configuration.Resolve(inv.In, ".", edition.Flag())
			if err != nil {
				return err
			}
			e, err := edition.Edition()
			if err != nil {
				return err
			}
			t, err := g.target()
			if err != nil {
				return err
			}
			v := e.Judge(policy.Guest{Target: t})
			chosen := chosenBy(x, edition.Flag())
			if chosen != "" {
				chosen = " of " + chosen
			}
			fmt.Fprintf(inv.Out, "%s: %s (%s, policy %s%s)\n", v.Verdict, v.Explain(), v.Reason, v.Policy, chosen)
			if v.Verdict == policy.Outside || v.Verdict == policy.Undetermined {
				return cmdutil.Exit(cmdutil.ExitFindings)
			}
			return nil
		},
	}
}

// target returns what the options describe.
func (g *guest) target() (policy.Target, error) {
	t := policy.Target{Type: g.kind, OS: g.os, Arch: g.arch, Machine: g.machine}
	switch {
	case t.Type == "":
		return t, &cmdutil.UsageError{
			Message: "policy check: --type is required",
			Hint:    "for example: virt-audit policy check --type kvm --arch x86_64 --machine q35",
		}
	case !policy.KnownType(t.Type):
		return t, &cmdutil.UsageError{
			Message: fmt.Sprintf("--type: libvirt knows no domain type %q", t.Type),
			Hint:    suggest.Hint(t.Type, policy.Types()),
		}
	case !policy.KnownOS(t.OS):
		return t, cmdutil.Usagef("--os: libvirt knows no OS type %q", t.OS)
	case t.Arch != "" && !policy.KnownArch(t.Arch):
		return t, &cmdutil.UsageError{
			Message: fmt.Sprintf("--arch: libvirt knows no architecture %q", t.Arch),
			Hint:    suggest.Hint(t.Arch, policy.Arches()),
		}
	}
	return t, nil
}
