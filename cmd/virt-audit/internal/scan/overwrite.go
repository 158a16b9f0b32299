package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/site"
)

// checkOverwrite returns an error if an output file is also a file that the options or the
// configuration name as input. --write-baseline may name the file of --baseline.
func checkOverwrite(o *options.Audit, x *site.Site, reports []options.Target) error {
	for file, what := range inputFiles(o, x) {
		for _, t := range reports {
			if t.File != "" && cmdutil.SameFile(t.File, file) {
				return overwrites(t.File, what, "the report")
			}
		}
		if w := o.WriteFile; w != "" && file != o.Baseline.File && cmdutil.SameFile(w, file) {
			return overwrites(w, what, "the baseline")
		}
	}
	return nil
}

// inputFiles returns the files that decide about the run, and what they are.
func inputFiles(o *options.Audit, x *site.Site) map[string]string {
	input := map[string]string{}
	for _, f := range o.Flags() {
		if !f.IsFile() || f == o.OutputFlag() || f == o.WriteFlag() || f == o.Configuration.FileFlag() {
			continue
		}
		for _, file := range f.Values() {
			input[file] = "the file of --" + f.Name
		}
	}
	if x.File != nil {
		input[x.File.Path] = "the configuration"
	}
	return input
}

func overwrites(file, what, output string) error {
	return &cmdutil.UsageError{
		Message: fmt.Sprintf("%s would be written, and it is %s", file, what),
		Hint:    "write " + output + " to another file",
	}
}

// checkDocuments returns an error if an output file is also a document that is audited. Documents
// are read later, and again while reports are written.
func checkDocuments(documents iter.Seq2[*collect.Document, error], reports []options.Target, baseline string) error {
	existing := map[string]fs.FileInfo{}
	for _, t := range append(slices.Clone(reports), options.Target{File: baseline}) {
		if info, err := os.Stat(t.File); err == nil && info.Mode().IsRegular() {
			existing[t.File] = info
		}
	}
	if len(existing) == 0 {
		return nil
	}
	for d, err := range documents {
		if err != nil || d.Once() {
			continue // errors are reported when documents are read
		}
		info, err := os.Stat(d.Source)
		if err != nil {
			continue
		}
		for file, written := range existing {
			if os.SameFile(info, written) && !otherKind(d) {
				return &cmdutil.UsageError{
					Message: file + " would be written, and it is audited",
					Hint:    "write the report to another file",
				}
			}
		}
	}
	return nil
}

// otherKind reports whether a document is of a kind that is not audited, such as the report in XML
// that an earlier run has written to the directory.
func otherKind(d *collect.Document) bool {
	data, err := d.Read()
	if err != nil {
		return false
	}
	_, err = domxml.LoadAll(d.Source, data)
	_, other := errors.AsType[*audit.NotDomainError](err)
	return other
}
