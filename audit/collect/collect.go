// Package collect finds the documents that a run audits: files, directories, standard input and
// save images.
//
// It works on paths and bytes only; domxml.LoadAll parses the XML. While documents are being found,
// only directories and regular files named like save images are opened. So a run over a large tree
// keeps paths in memory and not contents, and never opens a FIFO or a device of the tree.
package collect

import (
	"io"
	"iter"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// DefaultMaxSize is the size limit of a document in bytes if [Options] sets none. Libvirt writes
// domains of about 10 KB.
const DefaultMaxSize int64 = 16 << 20

// Options are the settings of a collection, apart from its arguments.
type Options struct {
	// Stdin is what the argument "-" reads. If it is nil, "-" is a problem.
	Stdin io.Reader
	// StdinName is the source under which standard input is shown. If it is empty, standard input
	// is shown as "<stdin>", or as the path that the user typed, such as "/dev/stdin".
	StdinName string
	// MaxSize is the size limit of a document in bytes. A larger one is a problem. Zero or less
	// means [DefaultMaxSize].
	MaxSize int64
}

// Document is one input, found but not yet read.
type Document struct {
	// Source is the name that the user sees: an argument as typed, or a path below a directory
	// that was typed. It may hold any byte that a file name can hold; the caller must escape it
	// for its output.
	Source string

	// Origin is what is known of the document apart from its content. That of a save image is set
	// when it is read. With the zero value, the content alone decides.
	Origin audit.Origin

	// Start is where the document begins in a stream of several, see [Parts].
	Start domxml.Start

	// read is a function and not a path, so that a document of a connection is a Document as well.
	read  func() (content, error)
	once  bool
	stdin bool
	part  bool
}

// New returns a document that is not stored in a file. Each Read calls read; origin is what is
// known of the document apart from its content.
func New(source string, origin audit.Origin, read func() ([]byte, error)) *Document {
	return &Document{Source: source, Origin: origin, read: func() (content, error) {
		data, err := read()
		return content{data: data}, err
	}}
}

// Once reports whether the document can be read only once: it is standard input or a FIFO.
func (d *Document) Once() bool { return d.once }

// Stdin reports whether the document is standard input, or a part of it.
func (d *Document) Stdin() bool { return d.stdin }

// Part reports whether the document is part of a stream, see [Parts]. The parts of a stream follow
// each other, and their contents are the stream. Each can be read again.
func (d *Document) Part() bool { return d.part }

// Parts splits streams into their documents. Standard input and FIFOs can hold several; each is
// read when its turn comes. All other documents and all errors are yielded unchanged.
func Parts(documents iter.Seq2[*Document, error]) iter.Seq2[*Document, error] {
	return func(yield func(*Document, error) bool) {
		for d, err := range documents {
			if err == nil && d.once {
				if !d.parts(yield) {
					return
				}
			} else if !yield(d, err) {
				return
			}
		}
	}
}

func (d *Document) parts(yield func(*Document, error) bool) bool {
	data, err := d.Read()
	if err != nil {
		return yield(nil, err)
	}
	for _, part := range domxml.Split(data) {
		document := &Document{
			Source: d.Source, Origin: d.Origin, Start: part.Start, stdin: d.stdin, part: true,
			read: func() (content, error) { return content{data: part.Data}, nil },
		}
		if !yield(document, nil) {
			return false
		}
	}
	return true
}

// Read returns the whole content, or the XML of a save image. It returns an error for a document
// above the size limit, and for one that vanishes or changes while it is read: half of an old
// domain and half of a new one would be audited as a third that never existed. The error is a
// *[Problem].
//
// Different documents may be read at the same time. Some can be read only once, see
// [Document.Once].
func (d *Document) Read() ([]byte, error) {
	c, err := d.read()
	if err != nil {
		return nil, &Problem{Source: d.Source, Err: err}
	}
	if c.origin.Kind != "" {
		d.Origin = c.origin
	}
	return c.data, nil
}

// Problem is an input that cannot be read. The run ends with an input error; the other inputs are
// still audited.
type Problem struct { //nolint:errname // reports and counts name it a problem of an input
	// Source is the file, directory or argument, named as in [Document].
	Source string
	// Err is the cause and, where there is one, a remedy. It does not repeat the source.
	Err error
}

// Error returns the source and the cause.
func (p *Problem) Error() string { return p.Source + ": " + p.Err.Error() }

// Unwrap returns Err.
func (p *Problem) Unwrap() error { return p.Err }

// Find yields the documents that the arguments name, each once, in an order that depends only on
// the arguments and the trees below them. An input that cannot be used is yielded as a *[Problem]
// with a nil document, in its place in that order, and the collection continues.
//
//   - "-" (also /dev/stdin) is standard input; a second time, it is a problem.
//   - A file is a document whatever its name, and is shown as typed. So is a FIFO, which a shell
//     passes for <(virsh dumpxml web). Read waits a few seconds for its writer.
//   - A directory is searched for names that end in ".xml", see below, and for save images whose
//     names end in ".save". A file that is an argument itself is recognized as a save image by
//     its content.
//   - An argument that does not exist but contains one of *?[ is a pattern. Its matches, in sorted
//     order, are files and directories as above; a FIFO among them is a problem.
//
// In a directory, entries are visited in the order of their names: first files and directories,
// then links to directories, then links to files. So a domain and the link to it in autostart/ are
// one document, shown by the name of the file. A link to a file or directory that has been visited
// is skipped silently. A name in ".xml" that is not a file is a problem; other names are ignored.
//
// Two names are the same document if they lead to the same real path, across all arguments. Hard
// links are different documents: libvirt reads each of them as well.
func Find(args []string, o Options) iter.Seq2[*Document, error] {
	if o.MaxSize <= 0 {
		o.MaxSize = DefaultMaxSize
	}
	return func(yield func(*Document, error) bool) {
		w := &walker{
			Options:      o,
			yield:        yield,
			yieldedFiles: map[string]bool{},
			walkedDirs:   map[string]bool{},
		}
		for _, arg := range args {
			if !w.argument(arg) {
				return
			}
		}
	}
}

// problem yields a problem.
func (w *walker) problem(source string, err error) bool {
	return w.yield(nil, &Problem{Source: source, Err: err})
}

// stdin yields standard input, shown as source unless Options gives it a name.
func (w *walker) stdin(source string) bool {
	if w.StdinName != "" {
		source = w.StdinName
	}
	if w.Stdin == nil {
		return w.problem(source, errNoStdin)
	}
	if w.stdinUsed {
		return w.problem(source, errStdinTwice)
	}
	w.stdinUsed = true
	in, limit := w.Stdin, w.MaxSize
	return w.yield(&Document{
		Source: source,
		read:   func() (content, error) { return readStream(in, limit) },
		once:   true,
		stdin:  true,
	}, nil)
}

// file yields the file or FIFO at path, unless its real path was yielded before.
func (w *walker) file(path, realPath string, fifo bool) bool {
	if w.yieldedFiles[realPath] {
		return true
	}
	w.yieldedFiles[realPath] = true
	limit, read := w.MaxSize, readFile
	if fifo {
		read = readFIFO
	}
	return w.yield(&Document{
		Source: path,
		read:   func() (content, error) { return read(path, limit) },
		once:   fifo,
	}, nil)
}
