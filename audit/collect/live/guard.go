package live

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
)

// guard is a connection to a daemon that passes on only whole packets that go-libvirt can handle.
// go-libvirt trusts the length of a packet, panics in its own goroutine for one that is too short,
// and waits forever if a reply is repeated.
//
// The first error of either direction closes the connection; cause returns it.
type guard struct {
	net.Conn
	readOnly bool
	define   bool // the one call that changes something may be made, see Define

	out  bytes.Buffer // the incomplete packet being written
	in   []byte       // the rest of the packet being read
	head [headLen]byte

	mu    sync.Mutex
	calls map[uint32]uint32 // called procedures without a reply, by serial number
	err   error
}

const (
	headLen = 28       // length, program, version, procedure, type, serial, status
	maxLen  = 32 << 20 // libvirt's own limit (VIR_NET_MESSAGE_MAX)

	program   = 0x20008086
	typeReply = 1

	statusOK    = 0
	statusError = 1
)

func newGuard(c net.Conn, readOnly bool) *guard {
	return &guard{Conn: c, readOnly: readOnly, calls: map[uint32]uint32{}}
}

// allowDefine lets calls pass that define a guest. It must not run at the same time as a call.
func (g *guard) allowDefine() { g.define = true }

// cause returns the error that ended the connection, or nil if it is open.
func (g *guard) cause() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// fail ends the connection and returns its first error. It wraps the error, because go-libvirt
// retries after some errors of package net.
func (g *guard) fail(err error) error {
	g.mu.Lock()
	if g.err == nil {
		g.err = err
	}
	err = g.err
	g.mu.Unlock()
	_ = g.Close() // the connection is not used any more
	return &endedError{err}
}

type endedError struct{ err error }

func (e *endedError) Error() string { return e.err.Error() }
func (e *endedError) Unwrap() error { return e.err }

// Read returns the next bytes of a packet that was read whole and checked.
func (g *guard) Read(p []byte) (int, error) {
	if err := g.cause(); err != nil {
		return 0, &endedError{err}
	}
	if len(g.in) == 0 {
		if err := g.packet(); err != nil {
			return 0, g.fail(err)
		}
	}
	n := copy(p, g.in)
	g.in = g.in[n:]
	return n, nil
}

// packet reads and checks one packet.
func (g *guard) packet() error {
	if n, err := io.ReadFull(g.Conn, g.head[:]); err != nil {
		if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the daemon has closed the connection in the middle of a reply")
		}
		return connectionError(err)
	}
	field := func(i int) uint32 { return binary.BigEndian.Uint32(g.head[4*i:]) }
	length, procedure, serial, status := field(0), field(3), field(5), field(6)
	switch {
	case field(1) != program || field(2) != 1:
		return errors.New("the peer does not speak libvirt's protocol")
	case length < headLen || length > maxLen:
		return fmt.Errorf("the daemon announces a packet of %d bytes: must be %d to %d", length, headLen, maxLen)
	case field(4) != typeReply:
		return fmt.Errorf("the daemon sends a packet of type %d instead of a reply", field(4))
	case status != statusOK && status != statusError:
		return fmt.Errorf("the daemon sends a reply with the unknown status %d", status)
	}
	g.mu.Lock()
	called, ok := g.calls[serial]
	delete(g.calls, serial)
	g.mu.Unlock()
	if !ok || called != procedure {
		return fmt.Errorf("the daemon replies to a call that was not made (number %d of procedure %d)", serial, procedure)
	}
	// Memory is allocated for received bytes, not for announced ones.
	var b bytes.Buffer
	b.Write(g.head[:])
	if n, err := io.CopyN(&b, g.Conn, int64(length-headLen)); err != nil {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the daemon has closed the connection after %d bytes of a reply of %d", n+headLen, length)
		}
		return connectionError(err)
	}
	shape := errorShape
	if status == statusOK {
		shape = replyShapes[procedure]
	}
	if err := checkShape(shape, b.Bytes()[headLen:]); err != nil {
		return fmt.Errorf("the daemon sends %w (procedure %d)", err, procedure)
	}
	g.in = b.Bytes()
	return nil
}

var errClosed = errors.New("the daemon has closed the connection")

// connectionError describes an error of the connection.
func connectionError(err error) error {
	for _, end := range []error{io.EOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return errClosed
		}
	}
	return fmt.Errorf("connection to the daemon: %w", err)
}

// Write collects calls, records each when it is complete, and sends it.
func (g *guard) Write(p []byte) (int, error) {
	if err := g.cause(); err != nil {
		return 0, &endedError{err}
	}
	g.out.Write(p)
	for {
		b := g.out.Bytes()
		if len(b) < headLen {
			return len(p), nil
		}
		length := int(binary.BigEndian.Uint32(b))
		if len(b) < length {
			return len(p), nil
		}
		call := g.out.Next(length)
		procedure := binary.BigEndian.Uint32(call[12:])
		if _, ok := replyShapes[procedure]; !ok || procedure == procDefine && !g.define {
			return 0, g.fail(fmt.Errorf("procedure %d is not one that we call", procedure))
		}
		if procedure == procConnectOpen && g.readOnly && length >= headLen+4 {
			// The flags are the last field. With this one the daemon refuses calls that change
			// anything or return a password, even if its socket allows them. go-libvirt has no
			// option for it.
			binary.BigEndian.PutUint32(call[length-4:], 1)
		}
		g.mu.Lock()
		g.calls[binary.BigEndian.Uint32(call[20:])] = procedure
		g.mu.Unlock()
		if _, err := g.Conn.Write(call); err != nil {
			return 0, g.fail(connectionError(err))
		}
	}
}
