package live

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// session is an open connection. Only one call may run at a time.
type session struct {
	*libvirt.Libvirt
	guard   *guard
	timeout time.Duration
}

// dialer gives go-libvirt an open connection.
type dialer struct{ net.Conn }

func (d dialer) Dial() (net.Conn, error) { return d.Conn, nil }

// connect opens a connection.
func connect(t *target, o Options) (*session, error) {
	c, err := within(o.Timeout, nil, func() (net.Conn, error) { return t.dial(o) })
	if err != nil {
		return nil, explain(err)
	}
	g := newGuard(c, o.ReadOnly)
	s := &session{libvirt.NewWithDialer(dialer{g}), g, o.Timeout}
	_, err = call(s, func() (struct{}, error) {
		return struct{}{}, s.ConnectToURI(libvirt.ConnectURI(t.remote()))
	})
	if err != nil {
		_ = g.fail(err)
		return nil, explain(err)
	}
	return s, nil
}

// close disconnects from the daemon, within two seconds, and closes the connection.
func (s *session) close() {
	if s.guard.cause() == nil {
		s.timeout = min(s.timeout, 2*time.Second)
		_, _ = call(s, func() (struct{}, error) { return struct{}{}, s.Disconnect() }) // everything was read
	}
	_ = s.guard.fail(errClosed)
}

// call makes one call. The error is the daemon's (libvirt.Error) or the one that ended the
// connection.
func call[T any](s *session, f func() (T, error)) (T, error) {
	v, err := within(s.timeout, s.guard, f)
	if _, answered := errors.AsType[libvirt.Error](err); err == nil || answered {
		return v, err
	}
	if cause := s.guard.cause(); cause != nil {
		err = cause // instead of the error that the call was interrupted
	}
	return v, err
}

// timeoutError is the error for a call, or for the opening of a connection, that took too long.
type timeoutError struct{ timeout time.Duration }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("no answer within %v (--timeout sets the limit)", e.timeout)
}

// Is makes the error match os.ErrDeadlineExceeded.
func (e *timeoutError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// within runs f. If f does not return within the timeout, within returns a timeoutError, and closes
// the connection of g, or the one that f returns later. f itself may continue in a call that cannot
// be interrupted; within does not wait for it.
//
// A deadline of the socket is not sufficient: channels of ssh have none, and a daemon that sends
// one byte a minute never exceeds it.
func within[T any](timeout time.Duration, g *guard, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("a reply that cannot be decoded: %v", p)
			}
			done <- r
		}()
		r.v, r.err = f()
	}()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case r := <-done:
		return r.v, r.err
	case <-timer.C:
		err := &timeoutError{timeout}
		if g != nil {
			_ = g.fail(err)
		} else {
			go closeLate(done, func(r result) any { return r.v })
		}
		var none T
		return none, err
	}
}

// closeLate closes a connection that was opened too late.
func closeLate[R any](done <-chan R, value func(R) any) {
	if c, ok := value(<-done).(net.Conn); ok && c != nil {
		_ = c.Close()
	}
}

// Codes of libvirt's errors (source: include/libvirt/virterror.h).
const (
	errNoSupport            = 3
	errOperationDenied      = 29
	errNoDomain             = 42
	errAuthFailed           = 45
	errNoSnapshot           = 72
	errAuthCancelled        = 79
	errOperationUnsupported = 84
	errAccessDenied         = 88
	errAuthUnavailable      = 94
	errNoCheckpoint         = 102
)

// hasCode reports whether the daemon answered with one of these errors.
func hasCode(err error, codes ...uint32) bool {
	e, ok := errors.AsType[libvirt.Error](err)
	return ok && slices.Contains(codes, e.Code)
}

// unsupported reports whether the daemon, or its driver, does not support the call.
func unsupported(err error) bool {
	return errors.Is(err, libvirt.ErrUnsupported) || hasCode(err, errNoSupport, errOperationUnsupported)
}

// forbidden reports whether the connection may not make the call.
func forbidden(err error) bool { return hasCode(err, errOperationDenied, errAccessDenied) }

// explain adds a remedy to an error of connecting.
func explain(err error) error {
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w: run as root or a member of the group libvirt, or try --readonly", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: is the daemon running?", err)
	case hasCode(err, errAuthFailed, errAuthCancelled, errAuthUnavailable):
		return fmt.Errorf("%w (authentication by user and password, SASL, is not supported; polkit, certificates and ssh are)", err)
	}
	return err
}
