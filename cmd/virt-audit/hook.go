package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/config"
	"github.com/virt-audit/virt-audit/audit/files"
	"github.com/virt-audit/virt-audit/audit/report"
)

// What libvirt promises to hooks, and what it makes of their answer (docs/hooks.rst; src/util/virhook.c;
// the rest measured with libvirt 9.0):
//
//   - It calls HOOK OBJECT OPERATION SUBOPERATION EXTRA with the guest's XML on standard input, as the
//     user that the daemon runs as, with little more than PATH in the environment.
//   - It waits for ever, and holds the guest's lock: a hook that asks libvirt something waits for itself.
//   - At "prepare", "restore" and "migrate" a status other than 0 refuses the start. At "reconnect" it
//     kills a guest that runs, at "stopped" and "release" it means nothing. All starts pass "prepare":
//     autostart, "virsh create", a revert to a snapshot and, after "restore", a managed save too.
//   - At "restore" and "migrate" what the hook prints replaces the guest's XML.
//   - What it writes to standard error becomes part of the error that the user of virsh is shown; with
//     status 0 nobody sees it.

// The operations at which a guest can still be refused.
const (
	opPrepare = "prepare"
	opRestore = "restore"
	opMigrate = "migrate"
)

// hookMaxSize is more than libvirt writes for any guest that it can show: a string of its protocol has at most
// 4 MiB (src/remote/remote_protocol.x, REMOTE_STRING_MAX), so 'virsh define' takes no more, and 'virsh dumpxml'
// fails above. Only metadata, which is set piece by piece, can add up to more. Judging so much takes some seconds.
const hookMaxSize = "32M"

// dryRun is the option for a preview. In scripts of form 1 it has the meaning that --log-only has now.
const dryRun = "dry-run"

// decides reports whether an operation of libvirt's is one that asks us. What libvirt may add one day
// does not.
func decides(operation string) bool {
	return operation == opPrepare || operation == opRestore || operation == opMigrate
}

const (
	aboutDecision     = "Decision:"
	aboutInstallation = "Installation:"
)

// hookDecisionFlags are the options that 'hook install' writes into the script.
func hookDecisionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "refuse", Usage: "refuse guests that are `WHAT[,WHAT]`: outside, undetermined, a severity (such findings or worse), the ID of a rule (default: " + strings.Join(defaultRefuse, ",") + ")", EnvVars: env("refuse"), Category: aboutDecision},
		&cli.BoolFlag{Name: "log-only", Usage: "refuse nothing, and log what would be refused", EnvVars: env("log-only"), Category: aboutDecision},
		&cli.BoolFlag{Name: "allow-unreadable", Usage: "start guests whose XML cannot be judged (too large, malformed, too slow to judge), and log a line; without it they are refused", EnvVars: env("allow-unreadable"), Category: aboutDecision},
		&cli.BoolFlag{Name: "fail-closed", Usage: "refuse guests also where virt-audit or its installation fails; without it they start, and a line is logged", EnvVars: env("fail-closed"), Category: aboutDecision},
		&cli.DurationFlag{Name: "timeout", Value: 10 * time.Second, Usage: "refuse a guest that is not judged after this `DURATION`", EnvVars: env("timeout"), Category: aboutDecision},
		&cli.StringFlag{Name: "max-size", Value: hookMaxSize, Usage: "refuse XML above this `SIZE` in bytes, with K, M or G for a unit", EnvVars: env("max-size"), Category: aboutDecision},
		&cli.StringFlag{Name: "log", Value: logSyslog, Usage: "`WHERE` to log to: " + logSyslog + ", or " + logStderr + ", of which libvirt keeps little", EnvVars: env("log"), Category: aboutDecision},
		&cli.StringFlag{Name: "config", Usage: "`FILE` with the site's configuration (default: " + config.System + ")", EnvVars: env("config"), Category: aboutRules},
		&cli.BoolFlag{Name: "no-config", Usage: "look for no configuration", EnvVars: env("no-config"), Category: aboutRules},
		&cli.BoolFlag{Name: "domain-waivers", Usage: "waivers in the guests' own metadata count: anyone who may define a guest can then waive what --refuse refuses, except the verdict", EnvVars: env("domain-waivers"), Category: aboutRules},
		&cli.BoolFlag{Name: "no-domain-waivers", Usage: "waivers in the guests' own metadata do not count, which is the default here", EnvVars: env("no-domain-waivers"), Category: aboutRules},
		policyFlag(),
		profileFlag(),
		&cli.StringSliceFlag{Name: "rule", Usage: "only the rules `ID[,ID]`, of whatever profile", EnvVars: env("rule"), Category: aboutRules},
		&cli.StringSliceFlag{Name: "skip-rule", Usage: "not the rules `ID[,ID]`", EnvVars: env("skip-rule"), Category: aboutRules},
		&cli.StringFlag{Name: "qemu-version", Usage: "`VERSION` of QEMU that the guests are to run on", EnvVars: env("qemu-version"), Category: aboutRules},
		&cli.StringFlag{Name: "host-root", Value: "/", Usage: "the host's qemu.conf and other files are in `FOLDER`", EnvVars: env("host-root"), Category: aboutRules},
	}
}

func hookPlaceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "hooks-dir", Value: libvirtHooks, Usage: "libvirt's `FOLDER` of hooks", EnvVars: env("hooks-dir"), Category: aboutInstallation},
		&cli.StringFlag{Name: "name", Value: "50-virt-audit", Usage: "`NAME` of the script in qemu.d", EnvVars: env("hook-name"), Category: aboutInstallation},
		&cli.BoolFlag{Name: dryRun, Usage: "install and uninstall: print what would be written or removed, and change nothing", EnvVars: env(dryRun), Category: aboutInstallation},
	}
}

// hookCommand has no subcommands in the sense of the library: a guest may have the name of one.
func (s *streams) hookCommand() *cli.Command {
	return &cli.Command{
		Name:  hookName,
		Usage: "have libvirt ask virt-audit before it starts a guest",
		UsageText: "virt-audit hook install [options]   write the script, with the options of the decision\n" +
			"virt-audit hook status [options]    exit 0 when the hook is active, 1 when it is not\n" +
			"virt-audit hook uninstall [options] remove the script\n" +
			"virt-audit hook [options] -- GUEST OPERATION SUBOPERATION EXTRA\n" +
			"                                    what the script calls: exit 0 allows the start, 1 refuses it",
		Description: "A refused guest does not start, and 'virsh start' shows the reason. A guest whose XML cannot be judged\n" +
			"is refused too; only where virt-audit itself fails does it start. Guests that run already, and devices\n" +
			"that are plugged into them, do not pass the hook. libvirt 6.5 or newer is required.",
		Flags:  append(hookDecisionFlags(), hookPlaceFlags()...),
		Action: s.hook,
	}
}

const hookName = "hook"

// hookSubcommands are what a site runs; all else is libvirt's.
var hookSubcommands = []string{"install", "status", "uninstall"}

func (s *streams) hook(c *cli.Context) error {
	args := c.Args().Slice()
	if len(args) >= 4 {
		return s.hookCall(c, args[0], args[1])
	}
	if len(args) == 0 {
		return &usageError{"hook: missing subcommand", "'virt-audit hook install', 'status' or 'uninstall'"}
	}
	act := map[string]func(*cli.Context) error{"install": s.hookInstall, "status": s.hookStatus, "uninstall": s.hookUninstall}[args[0]]
	switch {
	case act == nil:
		return &usageError{fmt.Sprintf("hook cannot %q", args[0]), didYouMean(args[0], hookSubcommands)}
	case len(args) > 1:
		return usagef("hook %s takes no operand", args[0])
	case args[0] != "install":
		for _, f := range hookDecisionFlags() {
			if name := f.Names()[0]; typedOption(c, name) {
				return usagef("option --%s has no meaning to hook %s", name, args[0])
			}
		}
		if args[0] == "status" && typedOption(c, dryRun) {
			return usagef("option --%s has no meaning to hook status", dryRun)
		}
	}
	return act(c)
}

// hookCall is what libvirt asks. It returns nil to let the guest go on.
func (s *streams) hookCall(c *cli.Context, guest, operation string) error {
	if !decides(operation) {
		return nil
	}
	refused, err := s.decide(c, guest, operation)
	var text string
	switch {
	case err == nil && refused == "":
		return nil
	case err == nil:
		text = fmt.Sprintf("guest '%s' %s: %s", guest, mayNot[operation], refused)
	case starts(c, err):
		s.hookLog(c, fmt.Sprintf("guest '%s' is let through, because it cannot be judged: %s", guest, plain(err)))
		return nil
	default:
		text = fmt.Sprintf("guest '%s' %s, because it cannot be judged: %s", guest, mayNot[operation], plain(err))
	}
	if c.Bool("log-only") || c.Bool(dryRun) {
		s.hookLog(c, "log only: "+text)
		return nil
	}
	if c.String("log") == logSyslog {
		_ = toSyslog(text) // libvirt logs it too
	}
	fmt.Fprintf(s.err, "virt-audit: %s\n", lines(text))
	return status(exitFindings)
}

// starts reports whether a guest that cannot be judged starts all the same. Where its own XML is the reason, whoever
// writes that could have it start at will.
func starts(c *cli.Context, err error) bool {
	if c.Bool("fail-closed") {
		return false
	}
	_, document := errors.AsType[*unjudged](err)
	return !document || c.Bool("allow-unreadable")
}

var mayNot = map[string]string{
	opPrepare: "may not start",
	opRestore: "may not be restored",
	opMigrate: "may not migrate to this host",
}

// plain is an error's text with what the user may have meant.
func plain(err error) string {
	if u, ok := errors.AsType[*usageError](err); ok && u.hint != "" {
		return u.message + " (" + u.hint + ")"
	}
	return err.Error()
}

// defaultRefuse is what is refused where nothing else is asked for.
var defaultRefuse = []string{outside, audit.Critical.String()}

const (
	outside      = "outside"
	undetermined = "undetermined"
)

// notInHooks are rules whose subject the XML that hooks see shows at some starts and not at others:
// libvirt keeps passwords in what it restores, and leaves them out of all the rest.
var notInHooks = []string{"secret-graphics-passwd", "secret-rdp-passwd", "secret-http-cookie", "endpoint-graphics-empty-password"}

// refusal is what is refused.
type refusal struct {
	outside, undetermined bool
	severity              audit.Severity // or worse
	any                   bool           // the severity is set
	rules                 []string
}

// refusalOption reads --refuse.
func refusalOption(c *cli.Context, x *site) (*refusal, error) {
	wanted := list(c.StringSlice("refuse"))
	if len(wanted) == 0 {
		wanted = defaultRefuse
	}
	r := &refusal{}
	for _, word := range wanted {
		severity, err := audit.ParseSeverity(word)
		switch {
		case word == outside:
			r.outside = true
		case word == undetermined:
			r.undetermined = true
		case err == nil:
			if !r.any || severity < r.severity {
				r.severity, r.any = severity, true
			}
		case slices.Contains(notInHooks, word):
			return nil, usagef("option --refuse: %s is about passwords, which libvirt does not show to hooks", word)
		default:
			if _, err := x.rule(word); err != nil {
				words := []string{outside, undetermined}
				for _, s := range audit.Severities() {
					words = append(words, s.String())
				}
				hint := didYouMean(word, words)
				if hint == "" {
					hint = "one of " + strings.Join(words, ", ") + ", or the ID of a rule"
				}
				return nil, &usageError{fmt.Sprintf("option --refuse: unknown word %q", report.Printable(word)), hint}
			}
			r.rules = append(r.rules, word)
		}
	}
	return r, nil
}

// hookSetup is what a hook judges by.
type hookSetup struct {
	*audit.Settings
	refuse *refusal
	files  []hookFile
}

// hookFile is a file that decides what a hook refuses.
type hookFile struct{ what, path string }

// distrusted returns why a hook must not go by a file: other users than root, and those who run the hook, could
// change what it refuses. It returns "" if they cannot.
func (h *hookSetup) distrusted(uid uint32) string {
	for _, f := range h.files {
		if why := files.Changeable(f.path, uid); why != "" {
			return fmt.Sprintf("%s %s is not trusted: %s", f.what, f.path, why)
		}
	}
	return ""
}

// hookConfig makes the engine's configuration for a hook. There is one guest, so that rules over
// several do not run.
func hookConfig(c *cli.Context) (*hookSetup, error) {
	if name, _, _ := configOption(c); name == "-" {
		return nil, usagef("option --config: standard input is the guest")
	}
	x, err := siteOption(c, "/", "profiles", "policy", "qemu-version", "max-size") // libvirt says nothing of the folder that hooks run in
	if err != nil {
		return nil, err
	}
	refuse, err := refusalOption(c, x)
	if err != nil {
		return nil, err
	}
	cfg, err := engine(c, x)
	if err != nil {
		return nil, err
	}
	if err := hookWaivers(c, cfg); err != nil {
		return nil, err
	}
	if where := c.String("log"); where != logSyslog && where != logStderr {
		return nil, &usageError{fmt.Sprintf("option --log: %q is neither %s nor %s", where, logSyslog, logStderr), didYouMean(where, []string{logSyslog, logStderr})}
	}
	if c.Duration("timeout") <= 0 {
		return nil, usagef("option --timeout: must be positive")
	}
	if _, err := sizeOption(c); err != nil {
		return nil, err
	}
	cfg.Minimum = audit.Info // whatever the environment says: --refuse decides
	skipped := list(c.StringSlice("skip-rule"))
	for _, id := range refuse.rules {
		if slices.Contains(skipped, id) {
			return nil, usagef("option --refuse: %s is skipped by --skip-rule", id)
		}
		if !slices.ContainsFunc(cfg.Rules, func(r *audit.Rule) bool { return r.ID == id }) {
			r, err := x.rule(id)
			if err != nil {
				return nil, err
			}
			cfg.Rules = append(cfg.Rules, r)
		}
	}
	cfg.Rules = slices.DeleteFunc(cfg.Rules, func(r *audit.Rule) bool { return slices.Contains(notInHooks, r.ID) })
	return &hookSetup{cfg, refuse, hookFiles(c, x)}, nil
}

// hookWaivers lets waivers in a guest's metadata count only with --domain-waivers, and not against the configuration:
// the hook decides about guests of users who may write what they like into their metadata.
func hookWaivers(c *cli.Context, cfg *audit.Settings) error {
	if c.Bool("domain-waivers") && c.Bool("no-domain-waivers") {
		return usagef("options --domain-waivers and --no-domain-waivers exclude each other")
	}
	cfg.DomainWaivers.Ignore = cfg.DomainWaivers.Ignore || !c.Bool("domain-waivers")
	return nil
}

// hookFiles are the files that decide what is refused.
func hookFiles(c *cli.Context, x *site) []hookFile {
	var out []hookFile
	if x.file != nil {
		out = append(out, hookFile{"the configuration", x.file.Path})
		for _, s := range x.file.Settings {
			if s.Key == "baseline" {
				out = append(out, hookFile{"the baseline", s.Values[0]})
			}
		}
	}
	if edition := c.String("policy"); edition != "" && isFile("policy", edition) {
		out = append(out, hookFile{"the policy", edition})
	}
	if root := c.String("host-root"); root != "/" {
		out = append(out, hookFile{"the directory of --host-root,", root})
	}
	return out
}
