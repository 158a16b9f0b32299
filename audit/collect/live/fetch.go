package live

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/digitalocean/go-libvirt"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/collect"
)

// fetcher fills a Host.
type fetcher struct {
	*Host
	session *session
	secure  bool // request passwords; false once the daemon has refused them
}

// host fetches the facts of the host. A fact stays empty if the connection lacks the permission or
// the driver does not support the call. If the connection ends, the next call returns the error.
func (f *fetcher) host() {
	s := f.session
	f.Hostname, _ = call(s, s.ConnectGetHostname)
	f.Capabilities, _ = call(s, s.ConnectGetCapabilities)
	f.DomainCapabilities, _ = call(s, func() (string, error) {
		return s.ConnectGetDomainCapabilities(nil, nil, nil, nil, 0)
	})
	library, _ := call(s, s.ConnectGetLibVersion)
	f.LibvirtVersion = version(library)
	hypervisor, _ := call(s, s.ConnectGetVersion)
	f.HypervisorVersion = version(hypervisor)
}

// version returns libvirt's number of a version as text, or "" for 0.
func version(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d.%d.%d", n/1_000_000, n/1000%1000, n%1000)
}

// guests fetches the guests with the given names, or all if there are no names.
func (f *fetcher) guests(names []string) {
	all, err := call(f.session, func() ([]libvirt.Domain, error) {
		list, _, err := f.session.ConnectListAllDomains(1, 0)
		return list, err
	})
	if err != nil {
		f.problem(f.URI, fmt.Errorf("cannot list the guests: %w", err))
		return
	}
	slices.SortFunc(all, func(a, b libvirt.Domain) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.UUID[:], b.UUID[:]))
	})
	for i, d := range f.selectGuests(all, names) {
		err := f.guest(d)
		switch dead := f.session.guard.cause(); {
		case dead != nil:
			f.problem(f.URI, fmt.Errorf("guest %s: %w: this guest and those after it (%d in all) are not audited", d.Name, dead, len(all)-i))
			return
		case hasCode(err, errNoDomain, errNoSnapshot, errNoCheckpoint):
			f.notef("guest %s vanished while it was read: skipped", d.Name)
		case err != nil:
			f.problem(f.URI+" "+d.Name, err)
		}
	}
}

// selectGuests returns the guests with the given names, as virsh matches them: by id, else by UUID,
// else by name. A name without a guest is a problem.
func (f *fetcher) selectGuests(all []libvirt.Domain, names []string) []libvirt.Domain {
	if len(names) == 0 {
		return all
	}
	selected := map[int]bool{}
	for _, name := range names {
		at := -1
		for _, matches := range []func(libvirt.Domain) bool{
			func(d libvirt.Domain) bool { return d.ID >= 0 && strconv.Itoa(int(d.ID)) == name },
			func(d libvirt.Domain) bool {
				return hex.EncodeToString(d.UUID[:]) == strings.ToLower(strings.ReplaceAll(name, "-", ""))
			},
			func(d libvirt.Domain) bool { return d.Name == name },
		} {
			if at = slices.IndexFunc(all, matches); at >= 0 {
				break
			}
		}
		if at < 0 {
			f.problem(f.URI, fmt.Errorf("no guest has the name, UUID or id %q", name))
			continue
		}
		selected[at] = true
	}
	var out []libvirt.Domain
	for i, d := range all {
		if selected[i] {
			out = append(out, d)
		}
	}
	return out
}

// guest fetches the documents of one guest.
func (f *fetcher) guest(d libvirt.Domain) error {
	s := f.session
	stored := true
	if d.ID >= 0 {
		running, err := f.running(d)
		if err != nil {
			return err
		}
		if running {
			persistent, err := call(s, func() (int32, error) { return s.DomainIsPersistent(d) })
			stored = err != nil && unsupported(err) || persistent == 1
			if err != nil && !unsupported(err) {
				return err
			}
		}
	}
	if stored {
		text, secrets, err := f.xml(func(secure uint32) (string, error) {
			return s.DomainGetXMLDesc(d, libvirt.DomainXMLInactive|libvirt.DomainXMLFlags(secure))
		})
		if err != nil {
			return err
		}
		f.add(d, text, audit.Origin{Kind: audit.Stored, Secrets: secrets}, "definition")
	}
	if err := f.saved(d); err != nil {
		return err
	}
	return f.snapshots(d)
}

// running fetches the document of the running guest. It returns false for one that was shut down
// since the list was made.
func (f *fetcher) running(d libvirt.Domain) (bool, error) {
	s := f.session
	text, secrets, err := f.xml(func(secure uint32) (string, error) {
		return s.DomainGetXMLDesc(d, libvirt.DomainXMLFlags(secure))
	})
	if err != nil || !hasID.MatchString(text) {
		return false, err
	}
	o := audit.Origin{Kind: audit.Running, Secrets: secrets}
	state, err := call(s, func() (int32, error) {
		state, _, err := s.DomainGetState(d, 0)
		return state, err
	})
	if err == nil && state >= 0 && int(state) < len(states) {
		o.State = states[state]
	}
	f.add(d, text, o, o.String())
	return true, nil
}

// hasID matches the beginning of the document of a running guest.
var hasID = regexp.MustCompile(`^\s*<domain\s[^>]*\bid=`)

// states are libvirt's words for the states of a guest, by number.
var states = [...]string{"no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended"}

// saved fetches the document that a managed save restores at the next start.
func (f *fetcher) saved(d libvirt.Domain) error {
	s := f.session
	has, err := call(s, func() (int32, error) { return s.DomainHasManagedSaveImage(d, 0) })
	switch {
	case unsupported(err):
		return nil
	case err != nil || has == 0:
		return err
	}
	text, secrets, err := f.xml(func(secure uint32) (string, error) {
		return s.DomainManagedSaveGetXMLDesc(d, libvirt.DomainXMLFlags(secure))
	})
	switch {
	case forbidden(err):
		f.notef("guest %s: this connection may not read its managed save, which is not audited", d.Name)
		return nil
	case err != nil:
		return fmt.Errorf("the managed save: %w", err)
	}
	f.add(d, text, audit.Origin{Kind: audit.Saved, Secrets: secrets}, "managed save")
	return nil
}

// snapshots fetches the guest's snapshots and checkpoints.
func (f *fetcher) snapshots(d libvirt.Domain) error {
	s := f.session
	snapshots, err := call(s, func() ([]libvirt.DomainSnapshot, error) {
		list, _, err := s.DomainListAllSnapshots(d, 1, 0)
		return list, err
	})
	if err != nil && !unsupported(err) {
		return fmt.Errorf("the snapshots: %w", err)
	}
	for _, snapshot := range snapshots {
		text, secrets, err := f.xml(func(secure uint32) (string, error) { return s.DomainSnapshotGetXMLDesc(snapshot, secure) })
		if err := f.addSnapshot(d, "snapshot", snapshot.Name, text, secrets, err); err != nil {
			return err
		}
	}
	checkpoints, err := call(s, func() ([]libvirt.DomainCheckpoint, error) {
		list, _, err := s.DomainListAllCheckpoints(d, 1, 0)
		return list, err
	})
	if err != nil && !unsupported(err) && !forbidden(err) {
		return fmt.Errorf("the checkpoints: %w", err)
	}
	for _, checkpoint := range checkpoints {
		text, secrets, err := f.xml(func(secure uint32) (string, error) { return s.DomainCheckpointGetXMLDesc(checkpoint, secure) })
		if err := f.addSnapshot(d, "checkpoint", checkpoint.Name, text, secrets, err); err != nil {
			return err
		}
	}
	return nil
}

// addSnapshot adds a snapshot or checkpoint. Its origin is known from its document.
func (f *fetcher) addSnapshot(d libvirt.Domain, kind, name, text string, secrets bool, err error) error {
	switch {
	case hasCode(err, errNoSnapshot, errNoCheckpoint):
		f.notef("the %s %s of guest %s vanished while it was read: skipped", kind, name, d.Name)
		return nil
	case err != nil:
		return fmt.Errorf("the %s %s: %w", kind, name, err)
	}
	f.add(d, text, audit.Origin{Secrets: secrets}, kind+" "+name)
	return nil
}

// secureFlag requests passwords. It is the same number for guests, snapshots and checkpoints.
const secureFlag = 1

// xml fetches a document, with passwords if the connection may read them.
func (f *fetcher) xml(get func(secure uint32) (string, error)) (text string, secrets bool, err error) {
	if f.secure {
		text, err = call(f.session, func() (string, error) { return get(secureFlag) })
		if !forbidden(err) {
			return text, true, err
		}
	}
	text, err = call(f.session, func() (string, error) { return get(0) })
	if f.secure && err == nil {
		f.secure = false
		f.notef("this connection may not read passwords")
	}
	return text, false, err
}

// add adds a document.
func (f *fetcher) add(d libvirt.Domain, text string, o audit.Origin, what string) {
	o.Stated = o.Kind != ""
	o.Host = f.URI
	f.Documents = append(f.Documents, collect.New(f.URI+" "+d.Name+" ("+what+")", o, func() ([]byte, error) { return []byte(text), nil }))
}
