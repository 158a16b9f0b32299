package differential

import (
	"encoding/xml"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/virt-audit/virt-audit/testdata/libvirtd"
)

// answer is how long the daemon may take for one document; it takes a millisecond or two.
const answer = time.Minute

// addressSpace is what the daemon may have. Some documents make it ask for much more
// (<vcpu>-1</vcpu>: 34 GB, seen in 9.0 and 12.8), which must not take the machine's memory.
const addressSpace = 8 << 30

// errDaemon is a document that has ended the daemon, or that it did not answer in time.
var errDaemon = errors.New("libvirtd has crashed or hangs")

// daemon defines documents with a libvirtd, which it starts again when a document has ended it.
type daemon struct {
	*libvirtd.Daemon
	conn     *libvirt.Libvirt
	machines *machines
}

func startDaemon(tb testing.TB, root string, m *machines) *daemon {
	tb.Helper()
	d := &daemon{Daemon: libvirtd.Start(tb, libvirtd.Options{
		Root: root, KVM: true, Sealed: true, Limit: addressSpace,
		Conf: "max_anonymous_clients = 20\n",
	}), machines: m}
	if err := d.dial(); err != nil {
		tb.Fatal(err)
	}
	return d
}

func (d *daemon) dial() (err error) {
	d.conn, err = d.Dial()
	return err
}

// restart puts another daemon in the place of one that has crashed or hangs.
func (d *daemon) restart() error {
	d.Kill()
	// Remove the state that made the daemon crash.
	_ = d.Command("find", "/etc/libvirt/qemu", "-name", "*.xml", "-delete").Run()
	d.Start()
	return d.dial()
}

// undefine leaves alone all files that a document names: nvram and the state of a TPM would be
// deleted.
const undefine = libvirt.DomainUndefineKeepNvram | libvirt.DomainUndefineKeepTpm | libvirt.DomainUndefineManagedSave |
	libvirt.DomainUndefineSnapshotsMetadata | libvirt.DomainUndefineCheckpointsMetadata

// define has libvirt define a document and returns what it kept. refusal is why libvirt refuses it;
// err, which wraps errDaemon, is a daemon that had to be started again.
func (d *daemon) define(text string) (dump string, refusal, err error) {
	type result struct {
		dump         string
		refusal, err error
	}
	conn, done := d.conn, make(chan result, 1)
	go func() {
		dom, err := conn.DomainDefineXMLFlags(text, 0)
		if err != nil {
			done <- result{refusal: err}
			return
		}
		dump, err := conn.DomainGetXMLDesc(dom, libvirt.DomainXMLInactive|libvirt.DomainXMLSecure)
		if e := conn.DomainUndefineFlags(dom, undefine); e != nil {
			err = errors.Join(err, e)
		}
		done <- result{dump: dump, err: err}
	}()
	var r result
	select {
	case r = <-done:
	case <-time.After(answer):
		r.err = errors.New("no answer")
	}
	var reply libvirt.Error
	if r.refusal != nil && !errors.As(r.refusal, &reply) {
		r.err = r.refusal
	}
	if r.err != nil {
		if err := d.restart(); err != nil {
			return "", nil, err
		}
		return "", nil, fmt.Errorf("%w: %w", errDaemon, r.err)
	}
	return r.dump, r.refusal, nil
}

// version returns libvirt's version, as 9000000 for 9.0.0.
func (d *daemon) version() (uint64, error) { return d.conn.ConnectGetLibVersion() }

// machines resolves the names of machines, or their absence, as libvirt does, for documents that
// leave the choice to libvirt.
type machines struct {
	sync.Mutex
	names map[machineKey]string
}

type machineKey struct{ kind, emulator, arch, machine string }

// canonical returns the machine that libvirt takes, or the name itself where libvirt knows no
// better.
func (m *machines) canonical(d *daemon, key machineKey) string {
	m.Lock()
	defer m.Unlock()
	if name, ok := m.names[key]; ok {
		return name
	}
	name := key.machine
	text, err := d.conn.ConnectGetDomainCapabilities(optional(key.emulator), optional(key.arch),
		optional(key.machine), optional(key.kind), 0)
	var caps struct {
		Machine string `xml:"machine"`
	}
	if err == nil && xml.Unmarshal([]byte(text), &caps) == nil && caps.Machine != "" {
		name = caps.Machine
	}
	m.names[key] = name
	return name
}

func optional(s string) libvirt.OptString {
	if s == "" {
		return nil
	}
	return libvirt.OptString{s}
}
