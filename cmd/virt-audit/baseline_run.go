package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit/baseline"
)

// baselineRun holds the baseline that a run reads, and the one that it writes.
type baselineRun struct {
	known       *baseline.Baseline // of --baseline; nil where there is none
	found       *baseline.Builder  // of --write-baseline; nil where none is to be written
	file        string             // that is to be written
	overwritten *baseline.Baseline // what that file holds now; nil where it holds nothing
}

func baselineFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "baseline", Usage: "count only what is not in `FILE`, see --write-baseline", EnvVars: env("baseline"), Category: aboutAccepted},
		&cli.StringFlag{Name: "write-baseline", Usage: "write what is found to `FILE`, and exit 0 for it", EnvVars: env("write-baseline"), Category: aboutAccepted},
		&cli.BoolFlag{Name: "no-domain-waivers", Usage: "waivers in the guests' own metadata do not count", EnvVars: env("no-domain-waivers"), Category: aboutAccepted},
		&cli.BoolFlag{Name: "show-waived", Usage: "list what waivers and the baseline take out of the count, too", EnvVars: env("show-waived"), Category: aboutAccepted},
	}
}

// baselineOption reads --baseline and --write-baseline.
func baselineOption(c *cli.Context, x *site, reports []target) (*baselineRun, error) {
	b := &baselineRun{file: c.String("write-baseline")}
	if err := b.writable(reports); err != nil {
		return nil, err
	}
	name := c.String("baseline")
	if name == "" {
		return b, nil
	}
	if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) && b.file != "" && sameFile(name, b.file) {
		return b, nil // it is about to be written for the first time
	}
	var err error
	b.known, err = baselineFile(name, x.says("baseline"))
	return b, err
}

// baselineFile reads a baseline. says is what named it, for errors.
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
