package domxml

import (
	"slices"
	"strings"
)

// Kind says which of a guest's documents one is. A guest can have several at a time, and they can
// differ: what runs, what will start next, and what a restore would bring back.
type Kind string

// The kinds of documents.
const (
	Stored           Kind = "definition"        // what the next start uses, or nothing that says otherwise
	Running          Kind = "running"           // the guest as it runs
	Saved            Kind = "saved"             // what comes back with saved memory, at the next start or at a restore
	Snapshot         Kind = "snapshot"          // what a revert to a snapshot brings back
	SnapshotInactive Kind = "snapshot-inactive" // the definition that is stored with a running guest's snapshot
	Checkpoint       Kind = "checkpoint"        // what a backup's checkpoint noted; nothing starts from it
)

// Present reports whether a document of the kind tells what is, or comes next. Those of snapshots and
// checkpoints tell what was: they differ from the guest as they should, and may name things that have
// become those of other guests since.
func (k Kind) Present() bool { return k == Stored || k == Running || k == Saved }

// Origin says where a domain comes from, as far as the document or whoever fetched it tells.
type Origin struct {
	Kind  Kind
	Label string // the name of the snapshot or checkpoint
	Host  string // the connection that the document came over; "" for files

	// Stated: the kind is certain. Without it, a root element <domain> was judged by its id.
	Stated bool
	// Secrets: whoever wrote the document left passwords in it, so that the absence of one means none.
	Secrets bool

	State  string   // of a running guest, where libvirt noted it: "running", "paused"
	Taints []string // why libvirt calls the running guest tainted: "custom-argv", "high-privileges"
}

// Merge returns the origin of a domain whose document says d, and which was fetched from where o says:
// the document knows better what it is, unless it is a plain <domain>.
func (o Origin) Merge(d Origin) Origin {
	if o.Kind == "" || d.Stated {
		o.Kind, o.Label, o.Stated = d.Kind, d.Label, d.Stated
	}
	o.Secrets = o.Secrets || d.Secrets
	if o.State == "" {
		o.State = d.State
	}
	o.Taints = append(slices.Clip(o.Taints), d.Taints...)
	return o
}

// String returns the kind in words for people, with the label: "snapshot 'before-upgrade'".
func (o Origin) String() string {
	word := string(o.Kind)
	switch o.Kind {
	case Stored:
		word = "stored definition"
	case Running:
		word = "running"
		if o.State != "" {
			word = o.State
		}
	case Saved:
		word = "saved state"
	case SnapshotInactive:
		word = "definition in snapshot"
	case Snapshot, Checkpoint:
	}
	if o.Label != "" {
		word += " '" + o.Label + "'"
	}
	return word
}

// UUIDKey brings a UUID into one form: libvirt takes dashes anywhere, and either case.
func UUIDKey(uuid string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(uuid), "-", ""))
}
