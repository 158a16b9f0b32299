package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/policy"
)

func (s *streams) policyCommand() *cli.Command {
	return &cli.Command{
		Name:  "policy",
		Usage: "show the policy, or judge a type, architecture and machine without any XML",
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "list the editions that virt-audit knows", Action: s.policyList},
			{Name: "show", Usage: "print an edition's table", ArgsUsage: "[EDITION|FILE]", Flags: append(siteFlags(), policyFlag()), Action: s.policyShow},
			{
				Name: "check", Usage: "judge one guest by what the options say; exit 1 when it is not inside",
				Flags: append(siteFlags(),
					&cli.StringFlag{Name: "type", Aliases: []string{"t"}, Usage: "domain `TYPE`, such as kvm (required)"},
					&cli.StringFlag{Name: "arch", Aliases: []string{"a"}, Usage: "libvirt's name of the `ARCH`, such as x86_64"},
					&cli.StringFlag{Name: "machine", Aliases: []string{"m"}, Usage: "`MACHINE` type, such as pc-q35-10.2"},
					&cli.StringFlag{Name: "os", Value: "hvm", Usage: "OS `TYPE`: hvm, xen, linux, xenpvh, exe"},
					policyFlag(), colorFlag(),
				),
				Action: s.policyCheck,
			},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() == 0 {
				return &usageError{"policy: missing subcommand", "'virt-audit policy list', 'show' or 'check'"}
			}
			return &usageError{fmt.Sprintf("policy cannot %q", c.Args().First()), didYouMean(c.Args().First(), []string{"list", "show", "check"})}
		},
	}
}

func (s *streams) policyList(c *cli.Context) error {
	if c.NArg() > 0 {
		return usagef("policy list takes no operand")
	}
	for i, name := range policy.Names() {
		e, err := policy.Named(name)
		if err != nil {
			return err
		}
		note := ""
		if i == 0 {
			note = " (default)"
		}
		fmt.Fprintf(s.out, "%-18s %s%s\n", name, e.Title, note)
	}
	return nil
}

func (s *streams) policyShow(c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("policy show takes one edition")
	}
	x := &site{}
	name, says := c.Args().First(), "policy show"
	if name == "" {
		var err error
		if x, err = siteOption(c, ".", "policy"); err != nil {
			return err
		}
		name, says = c.String("policy"), x.says("policy")
	}
	e, err := editionOption(name, says)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s: %s\n%s\n", e.Name, e.Title, e.Source)
	if _, ok := x.taken["policy"]; ok {
		fmt.Fprintf(s.out, "chosen by %s\n", x.place("policy"))
	}
	fmt.Fprintln(s.out)
	fmt.Fprintf(s.out, "A guest is inside the boundary when it uses a hardware accelerator and one of these machines:\n\n")
	for _, target := range e.Targets() {
		fmt.Fprintf(s.out, "  %-12s %s\n", target, strings.Join(e.Families(target), ", "))
	}
	if u := e.Undecided(); len(u) > 0 {
		fmt.Fprintf(s.out, "\nUndecided: %s\n", strings.Join(u, ", "))
	}
	if scope := e.Scope(); len(scope) > 0 {
		fmt.Fprintf(s.out, "\nScope: for a guest inside, these are not security bugs:\n\n")
		for _, x := range scope {
			fmt.Fprintf(s.out, "  %-13s %s\n", x.ID, x.Text)
		}
	}
	return nil
}

func (s *streams) policyCheck(c *cli.Context) error {
	if c.NArg() > 0 {
		return &usageError{fmt.Sprintf("policy check takes no operand: %q", c.Args().First()), "give --type, --arch and --machine"}
	}
	x, err := siteOption(c, ".", "policy")
	if err != nil {
		return err
	}
	e, err := editionOption(c.String("policy"), x.says("policy"))
	if err != nil {
		return err
	}
	t := policy.Target{Type: c.String("type"), OS: c.String("os"), Arch: c.String("arch"), Machine: c.String("machine")}
	switch {
	case t.Type == "":
		return &usageError{"policy check: --type is required", "for example: virt-audit policy check --type kvm --arch x86_64 --machine q35"}
	case !policy.KnownType(t.Type):
		return usagef("libvirt knows no domain type %q", t.Type)
	case !policy.KnownOS(t.OS):
		return usagef("libvirt knows no OS type %q", t.OS)
	case t.Arch != "" && !policy.KnownArch(t.Arch):
		return &usageError{fmt.Sprintf("libvirt knows no architecture %q", t.Arch), didYouMean(t.Arch, policy.Arches())}
	}
	v := e.Judge(policy.Guest{Target: t})
	chosen := ""
	if _, ok := x.taken["policy"]; ok {
		chosen = " of " + x.place("policy")
	}
	fmt.Fprintf(s.out, "%s: %s (%s, policy %s%s)\n", v.Verdict, v.Explain(), v.Reason, v.Policy, chosen)
	if v.Verdict == policy.Outside || v.Verdict == policy.Undetermined {
		return status(exitFindings)
	}
	return nil
}
