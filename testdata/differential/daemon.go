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

// answer is the time limit of the daemon for one document, which takes a millisecond or two.
const answer = time.Minute

// addressSpace is the limit of the daemon's address space. Some documents make it allocate much
// more (<vcpu>-1</vcpu>: 34 GB, seen in 9.0 and 12.8), which must not exhaust the machine's memory.
const addressSpace = 8 << 30

// errDaemon is the error for a document that ended the daemon, or that got no answer in time.
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

// restart replaces a daemon that has crashed or hangs.
func (d *daemon) restart() error {
	d.Kill()
	// Remove the state that made the daemon crash.
	_ = d.Command("find", "/etc/libvirt/qemu", "-name", "*.xml", "-delete").Run()
	d.Start()
	return d.dial()
}

// undefine keeps all files that a document names. Without its flags libvirt would delete the NVRAM
// and the state of a TPM.
const undefine = libvirt.DomainUndefineKeepNvram | libvirt.DomainUndefineKeepTpm | libvirt.DomainUndefineManagedSave |
	libvirt.DomainUndefineSnapshotsMetadata | libvirt.DomainUndefineCheckpointsMetadata

// define defines a document with libvirt and returns the dump. refusal is libvirt's error if it
// refuses the document; err wraps errDaemon if the daemon had to be started again.
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

// machines resolves the names of machines, or a missing name, as libvirt does.
type machines struct {
	sync.Mutex
	names map[machineKey]string
}

type machineKey struct{ kind, emulator, arch, machine string }

// canonical returns the machine that libvirt uses for a name, or the name if libvirt has no other.
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
