package hook

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/audit/pipeline"
	"github.com/virt-audit/virt-audit/cmd/virt-audit/internal/options"
)

// unjudged is a guest that cannot be judged because of what its XML is. All other errors of a
// decision are ours, or the installation's: a configuration with an error, a missing policy, a
// defect of virt-audit.
type unjudged struct{ err error }

func (e *unjudged) Error() string { return e.err.Error() }
func (e *unjudged) Unwrap() error { return e.err }

// decide judges the guest on standard input. It returns why the guest is refused, or "" if it is
// not; an error means that it cannot be judged. It takes no longer than --timeout, whatever libvirt
// does: a goroutine that waits for input may remain.
func (c *call) decide(guest, operation string) (refused string, err error) {
	s, err := c.resolve()
	if err != nil {
		return "", err
	}
	type answer struct {
		refused string
		err     error
	}
	done := make(chan answer, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- answer{err: blame(&pipeline.PanicError{
					Source: "guest " + guest,
					Value:  r,
					Stack:  debug.Stack(),
				}, s.Settings)}
			}
		}()
		s.Host = c.hostFacts()
		res, err := judge(io.LimitReader(c.In, s.maxSize+1), s.maxSize, operation, s.Settings)
		if defect, ok := errors.AsType[*pipeline.PanicError](err); ok {
			defect.Source = "guest " + guest
			done <- answer{err: blame(defect, s.Settings)}
			return
		}
		if err != nil {
			done <- answer{err: &unjudged{err}}
			return
		}
		done <- answer{refused: s.refuse.reason(res)}
	}()
	select {
	case a := <-done:
		return a.refused, a.err
	case <-time.After(c.timeout):
		return "", &unjudged{fmt.Errorf("no verdict after %v", c.timeout)}
	}
}

// controlGuest is a document that can be judged. A defect that it meets too is not the fault of a
// guest.
const controlGuest = `<domain type='kvm' id='1'><name>control</name><memory>1048576</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>`

// blame returns a panic as it is if the control guest causes one too, and else as an error of the
// guest's XML. A defect that only some documents meet would be a way around the hook.
func blame(err error, cfg *audit.Settings) (blamed error) {
	defer func() {
		if recover() != nil {
			blamed = err
		}
	}()
	if _, failed := judge(strings.NewReader(controlGuest), 1<<20, opPrepare, cfg); failed != nil {
		return err
	}
	return &unjudged{err}
}

// judge reads and judges a guest in the form that a hook gets. Its errors are about the XML, but
// for [pipeline.PanicError].
func judge(in io.Reader, limit int64, operation string, cfg *audit.Settings) (*audit.Result, error) {
	data, err := io.ReadAll(in)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the XML: %w", err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("the XML is larger than %d bytes (--max-size)", limit)
	}
	d, err := domxml.Load("XML from libvirt", data)
	if err != nil {
		return nil, err
	}
	d.Origin = origin(d, operation)
	results, err := pipeline.New(pipeline.Options{Settings: cfg}).Domains(d)
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// origin returns what kind of document the XML is. At "prepare" libvirt has set an id, but not yet
// replaced values of the author by those of the host, as it does for guests that run. It has done
// so only for the CPU of a guest that ran before, and is restored now: check='full' shows it.
func origin(d *audit.Domain, operation string) audit.Origin {
	kind := audit.Stored
	switch {
	case operation != opPrepare:
		kind = audit.Saved
	case d.CPU != nil && d.CPU.Check == "full":
		kind = audit.Running
	}
	daemon := "qemu:///system"
	if os.Geteuid() != 0 { // users' daemons run the same hooks
		daemon = "qemu:///session"
	}
	return audit.Origin{Kind: kind, Stated: true, Host: daemon}
}

// hostFacts returns what the guest inherits from the host that the hook runs on. What cannot be
// read there is not known.
func (c *call) hostFacts() *host.Facts {
	facts, errs := host.Find(host.Places{Root: c.hostRoot, Getenv: os.Getenv})
	if len(errs) > 0 && c.log == logSyslog {
		_ = toSyslog("not used: " + options.JoinErrors(errs))
	}
	return facts
}
