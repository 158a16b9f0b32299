package collect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"syscall"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/files"
)

// content is what a document holds: XML, and what is known of it besides.
type content struct {
	data   []byte
	origin audit.Origin
}

// readFile returns the content of the regular file at path; of a save image,
// the XML in it.
func readFile(path string, limit int64) (content, error) {
	f, err := files.Open(path)
	if errors.Is(err, ErrNotFile) {
		if info, failed := os.Stat(path); failed == nil && !info.Mode().IsRegular() {
			err = notFile(info.Mode())
		}
		return content{}, explain(err)
	}
	if err != nil {
		return content{}, vanished(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	if isImage(headOf(f)) {
		return readImage(files.Reader(f), limit)
	}
	data, err := readRegular(f, limit)
	return content{data: data}, err
}

// readRegular returns the content of an open file that is to be a regular one
// and to stay as it is meanwhile. Libvirt replaces its files by renaming, which
// leaves the open one alone; editors and copies in progress do not.
func readRegular(f fs.File, limit int64) ([]byte, error) {
	before, err := f.Stat()
	if err != nil {
		return nil, explain(err)
	}
	if err := readable(before, limit); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	// One allocation, and room to see the end; but a size is a claim, and beyond
	// the usual only what is there gets memory.
	buf.Grow(int(min(before.Size(), DefaultMaxSize)) + bytes.MinRead)
	var in io.Reader = f
	if file, ok := f.(*os.File); ok {
		in = files.Reader(file)
	}
	if _, err := buf.ReadFrom(io.LimitReader(in, oneMore(limit))); err != nil {
		return nil, explain(err)
	}
	after, err := f.Stat()
	if err != nil {
		return nil, explain(err)
	}
	got := int64(buf.Len())
	switch {
	case got > limit:
		return nil, tooLarge(-1, limit)
	case got < before.Size():
		return nil, fmt.Errorf("%w: truncated from %d to %d bytes", ErrChanged, before.Size(), got)
	case after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()):
		return nil, fmt.Errorf("%w: written to by another program", ErrChanged)
	}
	// More than the size without a change is how file systems that make their
	// files up as they are read (proc, some of FUSE) look.
	return buf.Bytes(), nil
}

// readable returns why a file of this kind and size is not to be read.
func readable(info fs.FileInfo, limit int64) error {
	if !info.Mode().IsRegular() {
		return notFile(info.Mode())
	}
	if info.Size() > limit {
		return tooLarge(info.Size(), limit)
	}
	return nil
}

// writerPatience is how long a FIFO may be without a writer. A FIFO of a checkout, which a pattern of
// the shell has named, never gets one.
const writerPatience = 5 * time.Second

var errNoWriter = errors.New("a FIFO that no program writes to")

// readFIFO returns what is written to the FIFO at path: the user named it, and
// the program that writes to it may take its time.
func readFIFO(path string, limit int64) (content, error) {
	f, err := openFIFO(path, writerPatience)
	if err != nil {
		return content{}, vanished(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	return readStream(f, limit)
}

// openFIFO waits for a writer, but not for ever.
func openFIFO(path string, patience time.Duration) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		f, err := os.Open(path)
		done <- opened{f, err}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-time.After(patience):
	}
	// The other end of the FIFO lets the goroutine go. Where something else has its name by now, it stays.
	if end, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
		_ = end.Close()
		if o := <-done; o.err == nil {
			_ = o.file.Close()
		}
	}
	return nil, fmt.Errorf("%w within %v", errNoWriter, patience)
}

// readStream returns all that r gives; of a save image, the XML in it.
func readStream(r io.Reader, limit int64) (content, error) {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(magicLen); isImage(head) { // what went wrong, the next reading tells
		return readImage(in, limit)
	}
	data, err := io.ReadAll(io.LimitReader(in, oneMore(limit)))
	if err != nil {
		return content{}, explain(err)
	}
	if int64(len(data)) > limit {
		return content{}, tooLarge(-1, limit)
	}
	return content{data: data}, nil
}

// oneMore returns limit + 1: how much to ask for to see whether there is more
// than limit.
func oneMore(limit int64) int64 {
	if limit == math.MaxInt64 {
		return limit
	}
	return limit + 1
}
