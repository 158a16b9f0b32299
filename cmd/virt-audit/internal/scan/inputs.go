package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/virt-audit/virt-audit/audit/collect"
	"github.com/virt-audit/virt-audit/audit/suggest"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// inputs are the documents of an audit.
type inputs struct {
	named     []string // files, directories or URIs
	paths     []string // of named, the files and directories
	documents iter.Seq2[*collect.Document, error]
}

// inputs finds the documents, and adds what is known of their hosts to the settings.
func (s *scan) inputs() (*inputs, error) {
	collected, err := s.Reading.Resolve(s.Streams)
	if err != nil {
		return nil, err
	}
	uris, err := s.Connection.Resolve(s.Args)
	if err != nil {
		return nil, err
	}
	if s.settings.Host, err = s.Host.Resolve(s.Streams, len(s.Args) == 0 && len(uris) == 0); err != nil {
		return nil, err
	}
	s.settings.FileMode = options.FileMode(collected.StdinName)
	if len(uris) > 0 {
		return &inputs{named: uris, documents: options.Documents(s.Connect(s.Streams, s.settings, uris, s.Args))}, nil
	}
	paths, err := s.paths()
	if err != nil {
		return nil, err
	}
	documents := collect.Find(paths, collected)
	return &inputs{named: paths, paths: paths, documents: documents}, checkDocuments(documents, s.targets, s.WriteFile)
}

// paths returns the files and directories of the arguments, or the host's own directories. An
// argument that is not a file but similar to a command is a typing error.
func (s *scan) paths() ([]string, error) {
	if len(s.Args) == 0 {
		return options.GuestDirectories(s.Root), nil
	}
	if first := s.Args[0]; !strings.ContainsAny(first, "./*?[") && first != "-" {
		if _, err := os.Lstat(first); errors.Is(err, fs.ErrNotExist) {
			var names []string
			for _, c := range s.Program.Subcommands {
				names = append(names, c.Name)
			}
			if hint := suggest.Hint(first, names); hint != "" {
				return nil, &cmdutil.UsageError{
					Message: fmt.Sprintf("%q is neither a file nor a command", first),
					Hint:    hint,
				}
			}
		}
	}
	return s.Args, nil
}
