package hook

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/files"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/command"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// defaultMaxSize is more than libvirt writes for any guest that it can show: a string of its
// protocol has at most 4 MiB (src/remote/remote_protocol.x, REMOTE_STRING_MAX), so 'virsh define'
// takes no more, and 'virsh dumpxml' fails above. Only metadata, which is set piece by piece, can
// add up to more. Judging so much takes some seconds.
const defaultMaxSize = "32M"

const aboutDecision = "Decision:"

// decision has the options of the decision, which 'hook install' writes into the script.
type decision struct {
	refuse          []string
	logOnly         bool
	allowUnreadable bool
	failClosed      bool
	timeout         time.Duration
	maxSize         string
	log             string
	configuration   *options.Configuration
	domainWaivers   bool
	noDomainWaivers bool
	rules           *options.Rules
	hostRoot        string

	refuseFlag *command.Flag
	rows       []*command.Flag // all of them
}

func newDecision() *decision {
	d := &decision{
		timeout: 10 * time.Second, maxSize: defaultMaxSize, log: logSyslog, hostRoot: "/",
		configuration: options.NewHookConfiguration(), rules: options.NewRules(),
	}
	d.refuseFlag = &command.Flag{
		Name: "refuse", Metavar: "CONDITION", List: true, Repeated: true,
		Usage:    "refuse guests that are outside or undetermined, or have findings of a severity (or worse) or of a rule",
		Default:  strings.Join(defaultRefuse, ","),
		Category: aboutDecision,
		Complete: conditions,
		Value:    command.List(&d.refuse),
	}
	d.rows = slices.Concat(d.limits(), d.configuration.Flags(), d.waivers(), d.rules.Flags(), []*command.Flag{{
		Name:     "host-root",
		Metavar:  "DIR",
		Usage:    "the host's qemu.conf and other files are in DIR",
		Category: options.AboutRules,
		Complete: command.Directories, Value: command.Text(&d.hostRoot),
	}})
	return d
}

// limits returns the rows that say what is refused.
func (d *decision) limits() []*command.Flag {
	return []*command.Flag{
		d.refuseFlag,
		{
			Name:     "log-only",
			Usage:    "refuse nothing, and log what would be refused",
			Category: aboutDecision,
			Value:    command.Switch(&d.logOnly),
		},
		{
			Name:     "allow-unreadable",
			Usage:    "start guests whose XML cannot be judged (too large, malformed, too slow to judge), and log a line; without it they are refused",
			Category: aboutDecision, Value: command.Switch(&d.allowUnreadable),
		},
		{
			Name:     "fail-closed",
			Usage:    "refuse guests also if virt-audit or its installation fails; without it they start, and a line is logged",
			Category: aboutDecision, Value: command.Switch(&d.failClosed),
		},
		{
			Name:     "timeout",
			Metavar:  "DURATION",
			Usage:    "refuse a guest that is not judged after this DURATION",
			Category: aboutDecision,
			Value:    command.Duration(&d.timeout),
		},
		{
			Name:     "max-size",
			Metavar:  "SIZE",
			Usage:    "refuse XML above this SIZE in bytes, or with the unit K, M or G",
			Category: aboutDecision,
			Key:      "max-size", Value: command.Text(&d.maxSize),
		},
		{
			Name:     "log",
			Metavar:  "TARGET",
			Usage:    "log to this TARGET (libvirt keeps little of stderr)",
			Choices:  logTargets,
			Complete: command.OneOf(logTargets...),
			Category: aboutDecision, Value: command.Text(&d.log),
		},
	}
}

// waivers returns the rows about waivers in guests.
func (d *decision) waivers() []*command.Flag {
	return []*command.Flag{
		{
			Name:     "domain-waivers",
			Usage:    "apply waivers in the guests' own metadata: anyone who may define a guest can then waive what --refuse refuses, except the verdict",
			Category: options.AboutRules, Value: command.Switch(&d.domainWaivers),
		},
		{
			Name:     "no-domain-waivers",
			Usage:    "ignore waivers in the guests' own metadata, which is the default here",
			Category: options.AboutRules,
			Value:    command.Switch(&d.noDomainWaivers),
		},
	}
}

// setup is what a guest is judged by.
type setup struct {
	*audit.Settings
	refuse  *refusal
	maxSize int64
	files   []trustedFile
}

// trustedFile is a file that decides what is refused.
type trustedFile struct{ what, path string }

// distrusted returns the reason why a file must not decide: users other than root, and other than
// the one that the hook runs as, could change what is refused. It returns "" if they cannot.
func (s *setup) distrusted(uid uint32) string {
	for _, f := range s.files {
		if why := files.Changeable(f.path, uid); why != "" {
			return fmt.Sprintf("%s %s is not trusted: %s", f.what, f.path, why)
		}
	}
	return ""
}

// resolve returns what a guest is judged by. There is one guest, so that rules that compare guests
// do not run.
func (d *decision) resolve() (*setup, error) {
	if name, _, _ := d.configuration.Chosen(); name == "-" {
		return nil, cmdutil.Usagef("--config: standard input is the guest")
	}
	x, err := d.configuration.Resolve(nil, "/", d.rows...)
	if err != nil {
		return nil, err
	}
	refuse, err := parseRefusal(d.refused(), x)
	if err != nil {
		return nil, err
	}
	cfg, err := d.rules.Settings(x)
	if err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	size, err := options.Size(d.maxSize)
	if err != nil {
		return nil, err
	}
	// Waivers in a guest's metadata apply only with --domain-waivers, and not against the
	// configuration: the users whose guests are judged may write what they like into the metadata.
	cfg.DomainWaivers.Ignore = cfg.DomainWaivers.Ignore || !d.domainWaivers
	cfg.Minimum = audit.Info // --refuse decides
	if cfg.Rules, err = d.addRefused(cfg.Rules, refuse, x); err != nil {
		return nil, err
	}
	return &setup{cfg, refuse, size, d.trustedFiles(x)}, nil
}

// check returns an error about options whose values exclude each other, or are not valid.
func (d *decision) check() error {
	switch {
	case d.domainWaivers && d.noDomainWaivers:
		return cmdutil.Usagef("--domain-waivers and --no-domain-waivers exclude each other")
	case !slices.Contains(logTargets, d.log):
		return &cmdutil.UsageError{
			Message: fmt.Sprintf("--log: %q is neither %s", d.log, strings.Join(logTargets, " nor ")),
			Hint:    suggest.Hint(d.log, logTargets),
		}
	case d.timeout <= 0:
		return cmdutil.Usagef("--timeout: must be positive")
	}
	return nil
}

// addRefused adds the rules that --refuse names to those of the profiles, and removes those that
// hooks do not apply.
func (d *decision) addRefused(rules []*audit.Rule, refuse *refusal, x *site.Site) ([]*audit.Rule, error) {
	for _, id := range refuse.rules {
		if slices.Contains(d.rules.Skipped(), id) {
			return nil, cmdutil.Usagef("--refuse: %s is skipped by --skip-rule", id)
		}
		if !slices.ContainsFunc(rules, func(r *audit.Rule) bool { return r.ID == id }) {
			r, err := x.Rule(id)
			if err != nil {
				return nil, err
			}
			rules = append(rules, r)
		}
	}
	return slices.DeleteFunc(rules, func(r *audit.Rule) bool { return slices.Contains(notInHooks, r.ID) }), nil
}

// trustedFiles returns the files that decide what is refused.
func (d *decision) trustedFiles(x *site.Site) []trustedFile {
	var out []trustedFile
	if x.File != nil {
		out = append(out, trustedFile{"the configuration", x.File.Path})
		for _, s := range x.File.Settings {
			if s.Key == "baseline" {
				out = append(out, trustedFile{"the baseline", s.Values[0]})
			}
		}
	}
	if p := d.rules.Policy; p.Flag().IsFile() {
		out = append(out, trustedFile{"the policy", p.Name})
	}
	if d.hostRoot != "/" {
		out = append(out, trustedFile{"the directory of --host-root,", d.hostRoot})
	}
	return out
}

// scriptOptions returns the options that the command line or the environment sets, as the script
// passes them: libvirt keeps nothing of the environment. --refuse is always among them, so that
// another version does not refuse something else. It must be called before the configuration is
// read: its settings are looked up at each start, so that changes apply.
func (d *decision) scriptOptions() ([]string, error) {
	file, none, err := d.configuration.Chosen()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, f := range d.rows {
		value := f.Value.String()
		switch {
		case f == d.refuseFlag:
			value = strings.Join(d.refused(), ",")
		case !f.IsSet(), f == d.configuration.FileFlag() && file == "", f == d.configuration.NoneFlag() && !none:
			continue
		case !f.TakesValue():
			if value == "true" {
				out = append(out, "--"+f.Name)
			}
			continue
		case f.List:
			value = strings.Join(options.SplitList([]string{value}), ",")
		}
		if value == "" {
			continue
		}
		if f.IsFile() { // which must be found from any directory
			if value, err = filepath.Abs(value); err != nil {
				return nil, err
			}
		}
		out = append(out, "--"+f.Name+"="+value)
	}
	return out, nil
}

// refused returns the conditions of --refuse, or those that apply without it.
func (d *decision) refused() []string {
	if conditions := options.SplitList(d.refuse); len(conditions) > 0 {
		return conditions
	}
	return defaultRefuse
}
