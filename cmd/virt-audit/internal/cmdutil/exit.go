package cmdutil

import (
	"errors"
	"fmt"
)

// The exit codes are a contract with scripts, see the README. The highest that applies is returned.
const (
	ExitClean    = 0 // no finding at or above --fail-on
	ExitFindings = 1 // such findings
	ExitUsage    = 2 // the command line or a file that it names is wrong
	ExitNothing  = 3 // nothing was audited
	ExitInput    = 4 // some input could not be read or understood
	ExitInternal = 5 // virt-audit itself failed

	ExitNoReader = 141 // the reader of standard output has closed it: the status that a shell gives to SIGPIPE
)

// exitError is the exit code of a command that has printed everything.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// Exit returns an error that ends virt-audit with an exit code and prints nothing.
func Exit(code int) error { return exitError(code) }

// ErrNoReader is returned when every reader of what is written has closed its end.
var ErrNoReader = errors.New("the reader of standard output has closed it")

// UsageError is a command line that cannot be carried out, or a file that it names. Hint is what
// the user may have meant, or how to fix it; it is printed on a line of its own.
type UsageError struct{ Message, Hint string }

func (e *UsageError) Error() string { return e.Message }

// Hinted returns an error's text, and the hint of a usage error.
func Hinted(err error) string {
	if u, ok := errors.AsType[*UsageError](err); ok && u.Hint != "" {
		return u.Message + "; " + u.Hint
	}
	return err.Error()
}

// Usagef returns a usage error without a hint.
func Usagef(format string, args ...any) error {
	return &UsageError{Message: fmt.Sprintf(format, args...)}
}
