package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
)

func (s *streams) waiveCommand() *cli.Command {
	return &cli.Command{
		Name:      "waive",
		Usage:     "accept what a rule finds at a guest, with a reason",
		ArgsUsage: "FILE|GUEST RULE",
		Description: "Writes a waiver into the metadata of a file, where libvirt keeps it, and touches nothing else of it;\n" +
			"'-' reads standard input and writes the document to standard output. For a guest that libvirt knows,\n" +
			"and for files that are libvirt's own, it prints the command that has libvirt store the waiver.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Usage: "`WHY` this is acceptable here; always wanted"},
			&cli.StringFlag{Name: "until", Usage: "last `DAY` of the waiver, such as 2027-06-30"},
			&cli.StringFlag{Name: "device", Usage: "only at the `DEVICE` of this target (vda), MAC address, address (of a host's device: there), alias or type"},
			&cli.BoolFlag{Name: "force", Usage: "write it though the rule finds nothing to waive now"},
			&cli.StringFlag{Name: "connect", Aliases: []string{"c"}, Usage: "the guest is known to libvirt at `URI`", EnvVars: env("connect")},
			&cli.StringFlag{Name: "host-root", Value: "/", Usage: "the host's files are in `FOLDER`", EnvVars: env("host-root")},
			siteFlags()[0], siteFlags()[1],
		},
		Action: s.waive,
	}
}

func (s *streams) waive(c *cli.Context) error {
	if c.NArg() != 2 {
		return &usageError{"waive requires a file or a guest, and a rule", "virt-audit waive web.xml endpoint-vnc-public --reason 'behind a firewall'"}
	}
	operand, id := c.Args().Get(0), c.Args().Get(1)
	w := &audit.Waiver{Rule: id, Device: c.String("device"), Reason: c.String("reason")}
	x, err := siteOption(c, ".")
	if err != nil {
		return err
	}
	rule, err := x.rule(id)
	if err != nil {
		return err
	}
	e := &waiving{w, rule, x, c.Bool("force")}
	if !domxml.Shown(w.Reason) {
		return &usageError{"a waiver must have a reason", "--reason 'why this is acceptable here'"}
	}
	for option, text := range map[string]string{"reason": w.Reason, "device": w.Device} {
		if at := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); at >= 0 {
			return usagef("option --%s: it has a character in it that does not print: %s", option, report.Printable(text[at:]))
		}
	}
	if c.IsSet("device") && strings.TrimSpace(w.Device) == "" {
		return &usageError{"option --device: the name of the device is empty", "without the option the waiver is for all devices"}
	}
	if day := c.String("until"); c.IsSet("until") {
		var err error
		if w.Until, err = domxml.ParseDay(day); err != nil {
			return usagef("option --until: %v", err)
		}
		if w.Expired(time.Now()) {
			return usagef("option --until: %s is past", day)
		}
	}
	if err := e.allowed(); err != nil {
		return err
	}
	if operand == "-" {
		data, err := s.readInput(operand, collect.DefaultMaxSize)
		if err != nil {
			return usagef("%v", err)
		}
		out, _, err := e.edit("<stdin>", data)
		if err != nil {
			return err
		}
		_, err = s.out.Write(out)
		return err
	}
	if _, err := os.Stat(operand); err == nil && c.String("connect") == "" {
		return s.waiveFile(c, operand, e)
	} else if strings.ContainsRune(operand, '/') || strings.HasSuffix(operand, ".xml") {
		return usagef("%s", strings.TrimPrefix(err.Error(), "stat "))
	}
	return s.waiveGuest(c, operand, e)
}

// waiving is a waiver on its way into a guest.
type waiving struct {
	*audit.Waiver
	rule  *audit.Rule
	site  *site
	force bool
}

// edit returns the document with the waiver in it, if it does what its author means, and its domain.
func (e *waiving) edit(source string, data []byte) ([]byte, *audit.Domain, error) {
	d, err := domxml.Load(source, data)
	if err != nil {
		return nil, nil, usagef("%v", err)
	}
	if err := e.effective(d); err != nil {
		return nil, nil, err
	}
	out, err := d.Waive(e.Waiver)
	if err != nil {
		return nil, nil, usagef("%s: %v", source, err)
	}
	return out, d, nil
}

// allowed returns an error if no guest may waive the rule for itself, whatever is found there.
func (e *waiving) allowed() error {
	cfg := &audit.Settings{}
	e.site.apply(cfg)
	why := cfg.DomainWaivers.Allows(e.Rule)
	if cfg.DomainWaivers.Ignore {
		why = "by the site's configuration no waiver of a guest's own counts (domain-waivers: {accept: false})"
	}
	if why == "" || e.force {
		return nil
	}
	return &usageError{why, "waive it in the site's configuration, .virt-audit.yaml, instead; or --force"}
}

// effective asks the engine whether there is something that the waiver would take out of the count.
func (e *waiving) effective(d *audit.Domain) error {
	if e.force {
		return nil
	}
	cfg := &audit.Settings{}
	e.site.apply(cfg)
	cfg.Rules, cfg.Today = []*audit.Rule{e.rule}, time.Now()
	cfg.Waivers, cfg.DomainWaivers = []*audit.Waiver{e.Waiver}, audit.DomainWaivers{Ignore: true}
	run := pipeline.New(pipeline.Options{Settings: cfg})
	results, err := run.Domains(d)
	if err != nil {
		return err
	}
	res := results[0]
	switch {
	case len(res.Waived) > 0 || !run.WaiverUse(e.Waiver).Unused():
		return nil // or the rule needs more than the document to answer
	case e.Device != "" && len(res.Findings) > 0:
		var devices []string
		for _, f := range res.Findings {
			devices = append(devices, d.DeviceNames(f.Path)...)
		}
		slices.Sort(devices)
		hint := "it finds something outside of any device: leave --device away"
		if len(devices) > 0 {
			hint = "it finds something at: " + strings.Join(slices.Compact(devices), ", ")
		}
		return &usageError{fmt.Sprintf("%s finds nothing at device %s of %s", e.Rule, e.Device, d.Source), report.Printable(hint)}
	}
	return &usageError{fmt.Sprintf("%s finds nothing to waive in %s", e.Rule, d.Source), "--force writes the waiver all the same"}
}
