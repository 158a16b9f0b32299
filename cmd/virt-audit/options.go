package main

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// env names the environment variable of an option.
func env(option string) []string {
	return []string{"VIRT_AUDIT_" + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))}
}

const (
	aboutOutput  = "Output:"
	aboutRules   = "Rules and policy:"
	aboutReading = "Reading:"

	aboutAccepted = "What is accepted:"
)

func colorFlag() cli.Flag {
	return &cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to use colour: auto, always, never", EnvVars: env("color"), Category: aboutOutput}
}

func profileFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "profile", Usage: "rules of this `PROFILE` besides those of baseline, repeatable: " + words(audit.Profiles()[1:]), EnvVars: env("profile"), Category: aboutRules}
}

func policyFlag() cli.Flag {
	return &cli.StringFlag{Name: "policy", Usage: "edition of QEMU's policy, or a `FILE` of the site's own (default: " + policy.Names()[0] + ")", EnvVars: env("policy"), Category: aboutRules}
}

func auditFlags() []cli.Flag {
	return append(slices.Concat(connectFlags(), hostFlags(), baselineFlags(), siteFlags()), []cli.Flag{
		&cli.StringSliceFlag{Name: "format", Aliases: []string{"f"}, Usage: "`FORMAT[:FILE]` of the report, repeatable: " + strings.Join(formatNames(), ", ") + " (default: text)", EnvVars: env("format"), Category: aboutOutput},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the report that names no file of its own to `FILE`, whole or not at all", EnvVars: env("output"), Category: aboutOutput},
		colorFlag(),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "findings only: no list of guests, no summary", EnvVars: env("quiet"), Category: aboutOutput},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "full explanations, and files that were skipped", EnvVars: env("verbose"), Category: aboutOutput},
		&cli.StringFlag{Name: "fail-on", Value: "medium", Usage: "exit 1 for findings of this `SEVERITY` or worse", EnvVars: env("fail-on"), Category: aboutOutput},
		&cli.StringFlag{Name: "min-severity", Value: "info", Usage: "leave out findings below this `SEVERITY`", EnvVars: env("min-severity"), Category: aboutOutput},
		&cli.BoolFlag{Name: "exit-zero", Usage: "exit 0 instead of 1; other exit codes stay", EnvVars: env("exit-zero"), Category: aboutOutput},
		policyFlag(),
		profileFlag(),
		&cli.StringSliceFlag{Name: "rule", Usage: "only the rules `ID[,ID]`, of whatever profile", EnvVars: env("rule"), Category: aboutRules},
		&cli.StringSliceFlag{Name: "skip-rule", Usage: "not the rules `ID[,ID]`", EnvVars: env("skip-rule"), Category: aboutRules},
		&cli.StringFlag{Name: "qemu-version", Usage: "`VERSION` of QEMU that the guests are to run on (default: " + policy.NewestQEMU().String() + ")", EnvVars: env("qemu-version"), Category: aboutRules},
		&cli.StringFlag{Name: "host-arch", Usage: "`ARCH` of the host, for guests that state none", EnvVars: env("host-arch"), Category: aboutHost},
		&cli.StringFlag{Name: "stdin-name", Usage: "`NAME` to show for standard input", EnvVars: env("stdin-name"), Category: aboutReading},
		&cli.StringFlag{Name: "max-size", Value: "16M", Usage: "refuse documents above this `SIZE` in bytes; K, M and G are understood", EnvVars: env("max-size"), Category: aboutReading},
		&cli.IntFlag{Name: "jobs", Aliases: []string{"j"}, Value: runtime.GOMAXPROCS(0), Usage: "use `N` processors", EnvVars: env("jobs"), Category: aboutReading},
	}...)
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

// severityOption reads a severity from an option.
func severityOption(c *cli.Context, name string) (audit.Severity, error) {
	s, err := audit.ParseSeverity(c.String(name))
	if err != nil {
		var names []string
		for _, s := range audit.Severities() {
			names = append(names, s.String())
		}
		return 0, &usageError{fmt.Sprintf("option --%s: %v", name, err), didYouMean(c.String(name), names)}
	}
	return s, nil
}

// editionOption reads the policy: a known name, or a file. Says tells what named it.
func editionOption(name, says string) (*policy.Edition, error) {
	if name == "" {
		return policy.Default(), nil
	}
	if slices.Contains(policy.Names(), name) {
		return policy.Named(name)
	}
	data, err := readFile(name, maxPolicy)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(name, "/.") {
		return nil, &usageError{fmt.Sprintf("%s: unknown edition %q and no such file: editions are %s", says, name, strings.Join(policy.Names(), ", ")), didYouMean(name, policy.Names())}
	}
	if err != nil {
		return nil, usagef("%s: %v", says, err)
	}
	edition, err := policy.Parse(name, data)
	if err != nil {
		return nil, usagef("%s: %v", says, err)
	}
	return edition, nil
}

// engine makes the engine's configuration from the options and the site's configuration.
func engine(c *cli.Context, x *site) (*audit.Settings, error) {
	cfg := &audit.Settings{HostArch: c.String("host-arch"), OneHost: c.Bool("one-host"), Today: time.Now()}
	cfg.DomainWaivers.Ignore = c.Bool("no-domain-waivers")
	x.apply(cfg)
	var err error
	if cfg.Policy, err = editionOption(c.String("policy"), x.says("policy")); err != nil {
		return nil, err
	}
	if cfg.Minimum, err = severityOption(c, "min-severity"); err != nil {
		return nil, err
	}
	if v := c.String("qemu-version"); v != "" {
		if cfg.QEMU, err = policy.ParseVersion(v); err != nil {
			return nil, usagef("option --qemu-version: %v", err)
		}
	}
	if cfg.HostArch != "" {
		if !policy.KnownArch(cfg.HostArch) {
			return nil, &usageError{fmt.Sprintf("option --host-arch: libvirt knows no architecture %q", cfg.HostArch), didYouMean(cfg.HostArch, policy.Arches())}
		}
		cfg.Inputs |= audit.NeedCapabilities
	}
	profiles, err := profileOption(c)
	if err != nil {
		return nil, err
	}
	only := list(c.StringSlice("rule"))
	cfg.Named = len(only) > 0
	if cfg.Rules, err = x.choose(profiles, only, list(c.StringSlice("skip-rule"))); err != nil {
		return nil, err
	}
	if len(cfg.Rules) == 0 {
		return nil, &usageError{"no rule is left to audit by: all are skipped, disabled or of other profiles", "'virt-audit config show' tells what is in force"}
	}
	return cfg, nil
}

// profileOption returns the profiles whose rules run. They add up: each includes baseline.
func profileOption(c *cli.Context) ([]audit.Profile, error) {
	var out []audit.Profile
	for _, name := range list(c.StringSlice("profile")) {
		if !slices.Contains(audit.Profiles(), audit.Profile(name)) {
			return nil, &usageError{fmt.Sprintf("option --profile: unknown profile %q: one of %s", name, words(audit.Profiles())), didYouMean(name, strings.Split(words(audit.Profiles()), ", "))}
		}
		out = append(out, audit.Profile(name))
	}
	return withBaseline(out), nil
}

// withBaseline returns profiles in the order in which they are listed, baseline among them.
func withBaseline(profiles []audit.Profile) []audit.Profile {
	return slices.DeleteFunc(audit.Profiles(), func(p audit.Profile) bool {
		return p != audit.Baseline && !slices.Contains(profiles, p)
	})
}

// list splits values at commas and drops empty ones.
func list(values []string) []string {
	var out []string
	for _, v := range values {
		out = append(out, strings.FieldsFunc(v, func(r rune) bool { return r == ',' })...)
	}
	return out
}

// sizeOption reads a size such as 16M.
func sizeOption(c *cli.Context) (int64, error) {
	text := c.String("max-size")
	unit := int64(1)
	number := strings.TrimRight(text, "KMG")
	switch strings.TrimPrefix(text, number) {
	case "":
	case "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "G":
		unit = 1 << 30
	default:
		number = ""
	}
	var n int64
	if _, err := fmt.Sscanf(number+"\n", "%d\n", &n); err != nil || n <= 0 || n > domxml.MaxSize/unit {
		return 0, usagef("option --max-size: %q is not a size between 1 and %dM", text, domxml.MaxSize>>20)
	}
	return n * unit, nil
}

func collectOptions(c *cli.Context, s *streams) (collect.Options, error) {
	size, err := sizeOption(c)
	return collect.Options{Stdin: s.in, StdinName: c.String("stdin-name"), MaxSize: size}, err
}
