package domxml

import (
	"slices"
	"strings"
)

// Kind is the role of a document of a guest. A guest can have several documents at a time, and they
// can differ: what runs, what will start next, and what a restore would bring back.
type Kind string

// The kinds of documents.
const (
	Stored           Kind = "definition"        // used by the next start; also the default
	Running          Kind = "running"           // the guest that runs now
	Saved            Kind = "saved"             // restored with saved memory, at the next start or by a restore
	Snapshot         Kind = "snapshot"          // restored by a revert to a snapshot
	SnapshotInactive Kind = "snapshot-inactive" // the definition in the snapshot of a running guest
	Checkpoint       Kind = "checkpoint"        // recorded by a backup; nothing starts from it
)

// Present reports whether a document of the kind describes the current or the next state. Documents
// of snapshots and checkpoints describe a past state: they differ from the guest by design, and may
// name resources that belong to other guests since.
func (k Kind) Present() bool { return k == Stored || k == Running || k == Saved }

// Origin is where a domain comes from, as far as the document or its source shows.
type Origin struct {
	Kind  Kind
	Label string // the name of the snapshot or checkpoint
	Host  string // the URI of the connection that the document came over; "" for files

	// Stated means that the kind is certain. Otherwise the kind of a root element <domain> was
	// inferred from its id.
	Stated bool
	// Secrets means that the document was written with its passwords, so that a missing password
	// means that there is none.
	Secrets bool

	State  string   // of a running guest, if libvirt recorded it: "running", "paused"
	Taints []string // why libvirt marks the running guest as tainted: "custom-argv", "high-privileges"
}

// Merge returns the origin of a domain that was fetched from o and whose document states d. The
// kind that the document states takes precedence, unless the document is a plain <domain>.
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

// String returns the kind and the label for users: "snapshot 'before-upgrade'".
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

// UUIDKey normalises a UUID: libvirt accepts dashes anywhere, and either case.
func UUIDKey(uuid string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(uuid), "-", ""))
}
