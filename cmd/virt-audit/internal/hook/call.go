package hook

import (
	"errors"
	"fmt"

	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/cmdutil"
)

// call is one call by libvirt.
type call struct {
	*cmdutil.Streams
	*decision
}

// answer returns nil to allow the operation.
func (c *call) answer(guest, operation string) error {
	if !refusable(operation) {
		return nil
	}
	refused, err := c.decide(guest, operation)
	var text string
	switch {
	case err == nil && refused == "":
		return nil
	case err == nil:
		text = fmt.Sprintf("guest '%s' %s: %s", guest, mayNot[operation], refused)
	case c.startsUnjudged(err):
		c.logLine(fmt.Sprintf("guest '%s' is let through, because it cannot be judged: %s", guest, hinted(err)))
		return nil
	default:
		text = fmt.Sprintf("guest '%s' %s, because it cannot be judged: %s", guest, mayNot[operation], hinted(err))
	}
	if c.logOnly {
		c.logLine("log only: " + text)
		return nil
	}
	if c.log == logSyslog {
		_ = toSyslog(text) // libvirt logs it too
	}
	fmt.Fprintf(c.Err, "virt-audit: %s\n", lines(text))
	return cmdutil.Exit(cmdutil.ExitFindings)
}

// startsUnjudged reports whether a guest that cannot be judged starts. If its own XML is the
// reason, the author of the XML could have it start at will.
func (d *decision) startsUnjudged(err error) bool {
	if d.failClosed {
		return false
	}
	_, document := errors.AsType[*unjudged](err)
	return !document || d.allowUnreadable
}

// logLine logs one line. If there is no syslog, the line goes to standard error: libvirt shows it
// if the guest is refused, and drops it otherwise.
func (c *call) logLine(text string) {
	if c.log == logStderr || toSyslog(text) != nil {
		fmt.Fprintf(c.Err, "virt-audit: %s\n", oneLine(text))
	}
}
