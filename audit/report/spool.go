package report

import (
	"bytes"
	"io"
	"os"
)

// spoolMemory is the number of bytes that a spool keeps in memory before it uses a temporary file.
const spoolMemory = 1 << 20

// spool keeps output until later, in bounded memory.
type spool struct {
	buf  bytes.Buffer
	file *os.File
	err  error // of the first write that failed; copyTo returns it
}

func (s *spool) Write(p []byte) (int, error) {
	n, err := s.write(p)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

func (s *spool) write(p []byte) (int, error) {
	if s.file == nil && s.buf.Len()+len(p) <= spoolMemory {
		return s.buf.Write(p)
	}
	if s.file == nil {
		f, err := os.CreateTemp("", "virt-audit-*")
		if err != nil {
			return s.buf.Write(p) // a full disk must not lose findings
		}
		_ = os.Remove(f.Name()) // the open file stays until it is closed, also when we are killed
		s.file = f
	}
	if s.buf.Len() > 0 {
		if _, err := s.buf.WriteTo(s.file); err != nil {
			return 0, err
		}
	}
	return s.file.Write(p)
}

// copyTo writes everything that was kept and releases it.
func (s *spool) copyTo(w io.Writer) error {
	if s.err != nil {
		if s.file != nil {
			_ = s.file.Close()
		}
		return s.err
	}
	if s.file == nil {
		_, err := s.buf.WriteTo(w)
		return err
	}
	defer func() { _ = s.file.Close() }()
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(w, s.file); err != nil {
		return err
	}
	_, err := s.buf.WriteTo(w)
	return err
}
