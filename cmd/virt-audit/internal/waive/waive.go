// Package waive is 'virt-audit waive': it accepts what a rule finds at a guest, in the guest's own
// metadata.
package waive

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/audit/report"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// request has the options of the command.
type request struct {
	*options.Configuration
	reason, until, device string
	force                 bool
	uri, hostRoot         string

	reasonFlag, untilFlag, deviceFlag *command.Flag
}

func newRequest() *request {
	q := &request{Configuration: options.NewConfiguration(), hostRoot: "/"}
	q.reasonFlag = &command.Flag{
		Name:     "reason",
		Metavar:  "REASON",
		Usage:    "REASON why this is acceptable here (required)",
		Variable: options.NoVariable,
		Value:    command.Text(&q.reason),
	}
	q.untilFlag = &command.Flag{
		Name:     "until",
		Metavar:  "DATE",
		Usage:    "last DATE of the waiver, such as 2027-06-30",
		Variable: options.NoVariable,
		Value:    command.Text(&q.until),
	}
	q.deviceFlag = &command.Flag{
		Name:     "device",
		Metavar:  "DEVICE",
		Usage:    "only at the DEVICE with this target (vda), MAC address, address (of a host's device: there), alias or type",
		Variable: options.NoVariable, Value: command.Text(&q.device),
	}
	return q
}

func (q *request) flags() []*command.Flag {
	return append([]*command.Flag{
		q.reasonFlag, q.untilFlag, q.deviceFlag,
		{
			Name:     "force",
			Usage:    "write it even if the rule finds nothing to waive now",
			Variable: options.NoVariable,
			Value:    command.Switch(&q.force),
		},
		{
			Name:     "connect",
			Short:    "c",
			Metavar:  "URI",
			Usage:    "the guest is known to libvirt at URI",
			Complete: options.LocalURIs,
			Value:    command.Text(&q.uri),
		},
		{
			Name:     "host-root",
			Metavar:  "DIR",
			Usage:    "the host's files are in DIR",
			Complete: command.Directories,
			Value:    command.Text(&q.hostRoot),
		},
	}, q.Flags()...)
}

// New returns the command.
func New() *command.Command {
	q := newRequest()
	return &command.Command{
		Name:  "waive",
		Usage: "accept what a rule finds at a guest, with a reason",
		Arguments: []command.Argument{
			{Metavar: "FILE|GUEST", Complete: command.FilesEnding("xml")},
			{Metavar: "RULE", Complete: command.Completion{Rules: true}},
		},
		Example: "virt-audit waive web.xml endpoint-vnc-public --reason 'protected by a firewall'",
		Description: "Writes a waiver into the metadata of a file, where libvirt keeps it, and changes nothing else there;\n" +
			"'-' reads standard input and writes the document to standard output. For a guest that libvirt has,\n" +
			"and for libvirt's own files, it prints the command that makes libvirt store the waiver.",
		Flags: q.flags(),
		Run: func(inv *command.Invocation) error {
			e, err := q.resolve(inv.In, inv.Args[1])
			if err != nil {
				return err
			}
			return (&run{inv.Streams, q}).waive(inv.Args[0], e)
		},
	}
}

// run is one run of the command.
type run struct {
	*cmdutil.Streams
	*request
}

// resolve returns the waiver, with what decides about it.
func (q *request) resolve(stdin io.Reader, id string) (*waiving, error) {
	x, err := q.Resolve(stdin, ".")
	if err != nil {
		return nil, err
	}
	rule, err := x.Rule(id)
	if err != nil {
		return nil, err
	}
	w := &audit.Waiver{Rule: id, Device: q.device, Reason: q.reason}
	if !domxml.Shown(w.Reason) {
		return nil, &cmdutil.UsageError{
			Message: "a waiver must have a reason",
			Hint:    "--reason 'why this is acceptable here'",
		}
	}
	for _, f := range []*command.Flag{q.reasonFlag, q.deviceFlag} {
		if err := printable(f); err != nil {
			return nil, err
		}
	}
	if q.deviceFlag.IsSet() && strings.TrimSpace(w.Device) == "" {
		return nil, &cmdutil.UsageError{
			Message: "--device: the name of the device is empty",
			Hint:    "without the option the waiver applies to all devices",
		}
	}
	if q.untilFlag.IsSet() {
		if w.Until, err = domxml.ParseDay(q.until); err != nil {
			return nil, cmdutil.Usagef("--until: %v", err)
		}
		if w.Expired(time.Now()) {
			return nil, cmdutil.Usagef("--until: %s is past", q.until)
		}
	}
	e := &waiving{w, rule, x, q.force}
	return e, e.allowed()
}

// printable returns an error if the value of an option has characters that do not print.
func printable(f *command.Flag) error {
	text := f.Value.String()
	at := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) })
	if at < 0 {
		return nil
	}
	return cmdutil.Usagef("--%s: it has a character that does not print: %s", f.Name, report.Printable(text[at:]))
}

// waive writes the waiver to a file or to standard output, or prints the command for a guest.
func (r *run) waive(target string, e *waiving) error {
	if target == "-" {
		data, err := r.ReadInput(target, collect.DefaultMaxSize)
		if err != nil {
			return cmdutil.Usagef("%v", err)
		}
		out, _, err := e.edit("<stdin>", data)
		if err != nil {
			return err
		}
		_, err = r.Out.Write(out)
		return err
	}
	if _, err := os.Stat(target); err == nil && r.uri == "" {
		return r.waiveFile(target, e)
	} else if strings.ContainsRune(target, '/') || strings.HasSuffix(target, ".xml") {
		return cmdutil.Usagef("%s", strings.TrimPrefix(err.Error(), "stat "))
	}
	return r.waiveGuest(target, e)
}

// waiving is a waiver that is to be stored in a guest.
type waiving struct {
	*audit.Waiver
	rule  *audit.Rule
	site  *site.Site
	force bool
}

// edit returns the document with the waiver in it, and its domain. It is an error if the waiver has
// no effect.
func (e *waiving) edit(source string, data []byte) ([]byte, *audit.Domain, error) {
	d, err := domxml.Load(source, data)
	if err != nil {
		return nil, nil, cmdutil.Usagef("%v", err)
	}
	if err := e.effective(d); err != nil {
		return nil, nil, err
	}
	out, err := d.Waive(e.Waiver)
	if err != nil {
		return nil, nil, cmdutil.Usagef("%s: %v", source, err)
	}
	return out, d, nil
}

// allowed returns an error if no guest may waive the rule for itself, whatever is found there.
func (e *waiving) allowed() error {
	cfg := &audit.Settings{}
	e.site.Apply(cfg)
	why := cfg.DomainWaivers.Allows(e.Rule)
	if cfg.DomainWaivers.Ignore {
		why = "the site's configuration ignores waivers in guests' metadata (domain-waivers: {accept: false})"
	}
	if why == "" || e.force {
		return nil
	}
	return &cmdutil.UsageError{
		Message: why,
		Hint:    "waive it in the site's configuration, .virt-audit.yaml, instead; or --force",
	}
}

// effective returns an error if the waiver would waive nothing of the domain.
func (e *waiving) effective(d *audit.Domain) error {
	if e.force {
		return nil
	}
	cfg := &audit.Settings{}
	e.site.Apply(cfg)
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
		return nil // or the rule requires more than the document
	case e.Device != "" && len(res.Findings) > 0:
		var devices []string
		for _, f := range res.Findings {
			devices = append(devices, d.DeviceNames(f.Path)...)
		}
		slices.Sort(devices)
		hint := "it finds something outside of any device: omit --device"
		if len(devices) > 0 {
			hint = "it finds something at: " + strings.Join(slices.Compact(devices), ", ")
		}
		return &cmdutil.UsageError{
			Message: fmt.Sprintf("%s finds nothing at device %s of %s", e.Rule, e.Device, d.Source),
			Hint:    report.Printable(hint),
		}
	}
	return &cmdutil.UsageError{
		Message: fmt.Sprintf("%s finds nothing to waive in %s", e.Rule, d.Source),
		Hint:    "--force writes the waiver anyway",
	}
}
