package main

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// sparesInput returns an error where a report, or the baseline that is written, would take the place of a file
// that the run goes by.
func sparesInput(c *cli.Context, x *site, reports []target, written string) error {
	input := map[string]string{} // what it is, by file
	for _, option := range []string{"baseline", "facts", "qemu-conf"} {
		input[c.String(option)] = "the file of --" + option
	}
	for _, file := range c.StringSlice("capabilities") {
		input[file] = "a file of --capabilities"
	}
	if edition := c.String("policy"); !slices.Contains(policy.Names(), edition) {
		input[edition] = "the file of --policy"
	}
	if x.file != nil {
		input[x.file.Path] = "the configuration"
	}
	delete(input, "")
	for file, what := range input {
		for _, t := range reports {
			if t.file != "" && sameFile(t.file, file) {
				return &usageError{fmt.Sprintf("%s would be written, and it is %s", t.file, what), "give the report a file of its own"}
			}
		}
		if written != "" && file != c.String("baseline") && sameFile(written, file) {
			return &usageError{fmt.Sprintf("%s would be written, and it is %s", written, what), "give the baseline a file of its own"}
		}
	}
	return nil
}

// spares returns an error where a report, or the baseline, would take the place of a document that is
// audited. Documents are read later than this, and again while reports grow.
func spares(documents iter.Seq2[*collect.Document, error], reports []target, baseline string) error {
	there := map[string]fs.FileInfo{}
	for _, t := range append(slices.Clone(reports), target{file: baseline}) {
		if info, err := os.Stat(t.file); err == nil && info.Mode().IsRegular() {
			there[t.file] = info
		}
	}
	if len(there) == 0 {
		return nil
	}
	for d, err := range documents {
		if err != nil || d.Once() {
			continue // what is wrong is told when documents are read
		}
		info, err := os.Stat(d.Source)
		if err != nil {
			continue
		}
		for file, written := range there {
			if os.SameFile(info, written) && !another(d) {
				return &usageError{file + " would be written, and it is audited", "give the report a file of its own"}
			}
		}
	}
	return nil
}

// another reports whether a document is of another kind than those that are audited, such as the report in XML
// that an earlier run has left in the folder.
func another(d *collect.Document) bool {
	data, err := d.Read()
	if err != nil {
		return false
	}
	_, err = domxml.LoadAll(d.Source, data)
	_, other := errors.AsType[*audit.NotDomainError](err)
	return other
}
