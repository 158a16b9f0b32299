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

// content is the XML of a document and, of a save image, its origin.
type content struct {
	data   []byte
	origin audit.Origin
}

// readFile returns the content of the regular file at path, or the XML of a save image.
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

// readRegular returns the content of an open file. It returns an error if the file is not a regular
// one or changes meanwhile. Libvirt replaces its files by renaming, which does not affect the open
// one; editors and copies in progress write in place.
func readRegular(f fs.File, limit int64) ([]byte, error) {
	before, err := f.Stat()
	if err != nil {
		return nil, explain(err)
	}
	if err := checkReadable(before, limit); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	// One allocation, with space to detect the end. Above the default limit memory grows with the
	// content, because the size of a sparse file is only a claim.
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
		return nil, fmt.Errorf("%w: written to by another process", ErrChanged)
	}
	// More bytes than the size do not indicate a change: file systems that generate files when they
	// are read (proc, some of FUSE) report a size of zero.
	return buf.Bytes(), nil
}

// checkReadable returns an error for a file of the wrong kind or above the size limit.
func checkReadable(info fs.FileInfo, limit int64) error {
	if !info.Mode().IsRegular() {
		return notFile(info.Mode())
	}
	if info.Size() > limit {
		return tooLarge(info.Size(), limit)
	}
	return nil
}

// writerTimeout is how long a FIFO may be without a writer. A FIFO in a checkout, which a pattern
// of the shell has matched, never gets one.
const writerTimeout = 5 * time.Second

var errNoWriter = errors.New("a FIFO without a writer")

// readFIFO returns what is written to the FIFO at path. Only the wait for a writer is limited: the
// user named the FIFO, and its writer may be slow.
func readFIFO(path string, limit int64) (content, error) {
	f, err := openFIFO(path, writerTimeout)
	if err != nil {
		return content{}, vanished(err)
	}
	defer f.Close() //nolint:errcheck // nothing was written
	return readStream(f, limit)
}

// openFIFO opens a FIFO for reading. It returns errNoWriter if there is no writer within timeout.
func openFIFO(path string, timeout time.Duration) (*os.File, error) {
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
	case <-time.After(timeout):
	}
	// Opening the FIFO for writing ends the goroutine. If the path is something else by now, the
	// goroutine keeps waiting.
	if end, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
		_ = end.Close()
		if o := <-done; o.err == nil {
			_ = o.file.Close()
		}
	}
	return nil, fmt.Errorf("%w within %v", errNoWriter, timeout)
}

// readStream returns the whole content of r, or the XML of a save image.
func readStream(r io.Reader, limit int64) (content, error) {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(magicLen); isImage(head) { // the next read returns the error
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

// oneMore returns limit + 1, the number of bytes to request in order to detect more than limit.
func oneMore(limit int64) int64 {
	if limit == math.MaxInt64 {
		return limit
	}
	return limit + 1
}
