package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/baseline"
)

// accepted is what a site lives with: the baseline that the run goes by, and the one that it writes.
type accepted struct {
	old     *baseline.Baseline // nil when there is none
	written *baseline.Builder  // nil when none is to be written
	file    string             // that is to be written
	there   *baseline.Baseline // what the file holds now; nil when it holds nothing
	cfg     *audit.Config
}

func baselineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "baseline", Usage: "count only what is not in `FILE`, see --write-baseline", EnvVars: env("baseline"), Category: aboutAccepted},
		&cli.StringFlag{Name: "write-baseline", Usage: "write what is found to `FILE`, and exit 0 for it", EnvVars: env("write-baseline"), Category: aboutAccepted},
		&cli.BoolFlag{Name: "no-domain-waivers", Usage: "waivers in the guests' own metadata do not count", EnvVars: env("no-domain-waivers"), Category: aboutAccepted},
		&cli.BoolFlag{Name: "show-waived", Usage: "list what waivers and the baseline take out of the count, too", EnvVars: env("show-waived"), Category: aboutAccepted},
	}
}

func acceptedOption(c *cli.Context, x *site, cfg *audit.Config, reports []target) (*accepted, error) {
	a := &accepted{cfg: cfg, file: c.String("write-baseline")}
	if err := a.writable(reports); err != nil {
		return nil, err
	}
	name := c.String("baseline")
	if name == "" {
		return a, nil
	}
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) && a.file != "" && sameFile(name, a.file) {
		return a, nil // it is about to be written for the first time
	}
	var err error
	a.old, err = baselineFile(name, x.says("baseline"))
	return a, err
}

// baselineFile reads a baseline. Says tells what named it.
func baselineFile(name, says string) (*baseline.Baseline, error) {
	data, err := readFile(name, maxReport)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &usageError{says + ": there is no file " + name, fmt.Sprintf("'--write-baseline %s' makes one of what is found today", name)}
	} else if err != nil {
		return nil, usagef("%s: %v", says, err)
	}
	b, err := baseline.Parse(name, data)
	if err != nil {
		return nil, usagef("%s: %v", says, err)
	}
	return b, nil
}

// sort takes out of a result what the baseline knows. Some results come twice: early, and when all guests
// are known.
func (a *accepted) sort(o *outcome, i int) {
	r := o.results[i]
	switch {
	case a.old == nil:
	case o.early || o.before == nil || o.before[i] == nil:
		a.old.Mark(r)
	case o.before[i] != r:
		a.old.Release(o.before[i])
		a.old.Mark(r)
	}
	if o.early {
		return
	}
	if a.old != nil {
		a.old.See(r)
	}
	if a.written != nil {
		a.written.Add(r)
	}
}

// maxGone is how many entries of a baseline that nothing is left of are told one by one.
const maxGone = 20

// notices are what there is to say of waivers and baseline when the run is over, and how many inputs it could
// not read.
func (a *accepted) notices(unread int) []*audit.Notice {
	var out []*audit.Notice
	say := func(rule, source string, pos audit.Pos, format string, args ...any) {
		i := slices.IndexFunc(a.cfg.Rules, func(r *audit.Rule) bool { return r.ID == rule })
		if i < 0 {
			return // the rule is not part of the run
		}
		r := a.cfg.Rules[i]
		severity := r.Severity
		if own, ok := a.cfg.Severities[rule]; ok {
			severity = own
		}
		if severity >= a.cfg.Minimum {
			out = append(out, &audit.Notice{Rule: r, Severity: severity, Message: fmt.Sprintf(format, args...), Source: source, Pos: pos})
		}
	}
	for _, w := range a.cfg.Waivers {
		switch {
		case w.Expired(a.cfg.Today):
			say("waiver-expired", w.Source, w.Pos, "the waiver of %s%s ended with %s", w.Rule, whose(w), w.Until.Format("2006-01-02"))
		case w.Unused():
			say("waiver-unused", w.Source, w.Pos, "%s finds nothing to waive%s", w.Rule, whose(w))
		}
	}
	if a.old == nil {
		return out
	}
	gone, _ := a.old.Missing(a.run(unread))
	for i, e := range gone {
		if i == maxGone {
			say("waiver-unused", a.old.Source, audit.Pos{}, "%d more entries are about something that is not found any more: write the baseline anew", len(gone)-i)
			break
		}
		say("waiver-unused", a.old.Source, audit.Pos{Line: e.Line, Column: 1}, "%s is not found any more in guest %s, at %s", e.Rule, e.Domain, e.Path)
	}
	return out
}

// run tells the baseline what the run has looked at.
func (a *accepted) run(unread int) baseline.Run {
	return baseline.Run{Rules: a.cfg.Rules, Minimum: a.cfg.Minimum, Unreadable: unread > 0}
}

// whose says in words what a waiver of the configuration is about.
func whose(w *audit.Waiver) string {
	var b strings.Builder
	if w.Domains != "" {
		b.WriteString(" for guest " + w.Domains)
	}
	if w.Device != "" {
		b.WriteString(" at device " + w.Device)
	}
	return b.String()
}
