// Package collect finds the documents that a run audits: files, folders,
// standard input and save images.
//
// It knows paths and bytes, and nothing of XML: what a document holds is for
// domxml.LoadAll to say. Nothing is opened while documents are being found
// except folders and regular files named like save images, so a run over a
// large tree holds paths and not contents, and a FIFO or a device that lies in a
// tree is never touched.
package collect

import (
	"io"
	"iter"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

// DefaultMaxSize is the size in bytes above which a document is refused when
// [Options] names none. Libvirt writes domains of some 10 KB.
const DefaultMaxSize int64 = 16 << 20

// Options are the parts of a collection that its operands do not say.
type Options struct {
	// Stdin is what the operand "-" reads. Without it, "-" is a problem.
	Stdin io.Reader
	// StdinName is the source under which standard input is shown. Without it,
	// standard input is shown as "<stdin>", or as "/dev/stdin" if typed so.
	StdinName string
	// MaxSize is the size in bytes above which a document is refused. Zero or
	// less means [DefaultMaxSize].
	MaxSize int64
}

// Document is one input, found but not yet read.
type Document struct {
	// Source is the name that the user is shown: an operand as he typed it, or
	// a path below the folder that he typed. It may hold any byte that a file
	// name can hold; escaping is for whoever prints it.
	Source string

	// Origin is what is known of the document besides its content: of a save
	// image once it has been read. Its zero value leaves all to the content.
	Origin audit.Origin

	// Start is where the document begins in a stream of several, see [Parts].
	Start domxml.Start

	// A function, not a path, so that what comes from elsewhere (a connection)
	// is a Document as well.
	read func() (content, error)
	once bool
}

// New returns a document that comes from elsewhere than files. read is called by
// Read, each time anew; origin is what is known of the document besides.
func New(source string, origin audit.Origin, read func() ([]byte, error)) *Document {
	return &Document{Source: source, Origin: origin, read: func() (content, error) {
		data, err := read()
		return content{data: data}, err
	}}
}

// Once reports whether the document can be read a single time only, as standard
// input and FIFOs can.
func (d *Document) Once() bool { return d.once }

// Parts yields the documents of streams one by one: standard input and FIFOs, which can hold several, are
// read as they come up. All other documents are passed on.
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
		one := &Document{Source: d.Source, Origin: d.Origin, Start: part.Start, read: func() (content, error) {
			return content{data: part.Data}, nil
		}}
		if !yield(one, nil) {
			return false
		}
	}
	return true
}

// Read returns the whole content; of a save image, the XML in it. It fails for a document above the size
// limit, and for one that vanishes or changes while it is read: half of an old
// domain and half of a new one would be audited as a third that never existed.
// The error is a *[Problem].
//
// Different documents may be read at the same time. For some, a second reading
// has nothing to give, see [Document.Once].
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

// Problem is an input that cannot be read. It makes an input error of the run;
// the other inputs are still audited.
type Problem struct { //nolint:errname // it is reported, and counted, as a problem of an input; as an error only on its way there
	// Source is the file, folder or operand, named as in [Document].
	Source string
	// Err says what is wrong and, where there is something, what to do. It does
	// not name the source again.
	Err error
}

// Error returns the source and what is wrong with it.
func (p *Problem) Error() string { return p.Source + ": " + p.Err.Error() }

// Unwrap returns Err.
func (p *Problem) Unwrap() error { return p.Err }

// Operands yields the documents that the operands name, each once, in an order
// that depends only on the operands and the trees below them. An input that
// cannot be used is yielded as a *[Problem] with a nil document, in its place
// in that order, and the collection goes on.
//
//   - "-" (also /dev/stdin) is standard input; a second time, a problem.
//   - A file is taken whatever its name, and shown as typed. So is a FIFO, which
//     is what a shell makes of <(virsh dumpxml web); one that has no writer is
//     waited for, but not for long.
//   - A folder is walked for names that end in ".xml", see below, and for save
//     images whose names end in ".save". A file that is named is taken for a save
//     image by its content.
//   - What does not exist but has one of *?[ in it is a pattern. Its matches, in
//     sorted order, are taken as files and folders, but no FIFO among them.
//
// In a folder, entries are visited in the order of their names: files and
// folders first, then links to folders, then links to files. So a domain and
// the link to it in autostart/ are one document, shown by the name of the file.
// A link to a file that has been visited, or a folder that has been walked, is
// passed over in silence. A name in ".xml" that is anything but a file is a
// problem; other names are none of our business, whatever they are.
//
// Two names are the same document if they lead to the same real path, over all
// operands. Hard links are different documents: libvirt too reads each.
func Operands(args []string, o Options) iter.Seq2[*Document, error] {
	if o.MaxSize <= 0 {
		o.MaxSize = DefaultMaxSize
	}
	return func(yield func(*Document, error) bool) {
		w := &walker{
			Options: o,
			yield:   yield,
			files:   map[string]bool{},
			folders: map[string]bool{},
		}
		for _, arg := range args {
			if !w.operand(arg) {
				return
			}
		}
	}
}

// problem yields a problem.
func (w *walker) problem(source string, err error) bool {
	return w.yield(nil, &Problem{Source: source, Err: err})
}

// stdin yields standard input, shown as source if the user gave it no name.
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
	}, nil)
}

// file yields the file at path, or the FIFO, unless its real path, key, was
// yielded before.
func (w *walker) file(path, key string, fifo bool) bool {
	if w.files[key] {
		return true
	}
	w.files[key] = true
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
