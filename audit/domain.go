package audit

import (
	"iter"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/policy"
)

// What rules see of a document. The types are those of domxml, so that a rule imports this package alone.
type (
	Domain         = domxml.Domain
	Target         = policy.Target
	Path           = domxml.Path
	Element        = domxml.Element
	Span           = domxml.Span
	Pos            = domxml.Pos
	Excerpt        = domxml.Excerpt
	Command        = domxml.Command
	Option         = domxml.Option
	KeyValue       = domxml.KeyValue
	Effect         = domxml.Effect
	Dropped        = domxml.Dropped
	Waiver         = domxml.Waiver
	Origin         = domxml.Origin
	Kind           = domxml.Kind
	NotDomainError = domxml.NotDomainError
)

// At returns the path that text spells.
func At(text string) Path { return domxml.At(text) }

// Each is domxml.Each.
func Each[T any](tag string, list []T) iter.Seq2[Path, *T] { return domxml.Each(tag, list) }

// EachIn is domxml.EachIn.
func EachIn[T any](parent Path, tag string, list []T) iter.Seq2[Path, *T] {
	return domxml.EachIn(parent, tag, list)
}

// The kinds of documents.
const (
	Stored           = domxml.Stored
	Running          = domxml.Running
	Saved            = domxml.Saved
	Snapshot         = domxml.Snapshot
	SnapshotInactive = domxml.SnapshotInactive
	Checkpoint       = domxml.Checkpoint
)

// The reasons for which libvirt does not read an element.
const (
	Repeated         = domxml.Repeated
	ForeignNamespace = domxml.ForeignNamespace
	StrayText        = domxml.StrayText
)

// What an option of the passthrough command line does, see Effect.
const (
	EffectRepeats = domxml.EffectRepeats
	EffectIgnored = domxml.EffectIgnored
	EffectChanges = domxml.EffectChanges
	EffectUnclear = domxml.EffectUnclear
	EffectStops   = domxml.EffectStops
)

// MaxDepth is domxml.MaxDepth.
const MaxDepth = domxml.MaxDepth

// WaiverNamespace is domxml.WaiverNamespace.
const WaiverNamespace = domxml.WaiverNamespace

// Repeats is domxml.Repeats.
func Repeats(parent, name string) bool { return domxml.Repeats(parent, name) }
