package audit

import (
	"iter"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/policy"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// The types that rules use to read a document are those of domxml, so that a rule imports only this
// package.

type (
	// Domain is domxml.Domain.
	Domain = domxml.Domain
	// Guest is policy.Guest.
	Guest = policy.Guest
	// Target is policy.Target.
	Target = policy.Target
	// Path is domxml.Path.
	Path = domxml.Path
	// Element is domxml.Element.
	Element = domxml.Element
	// Span is domxml.Span.
	Span = domxml.Span
	// Pos is domxml.Pos.
	Pos = domxml.Pos
	// Excerpt is domxml.Excerpt.
	Excerpt = domxml.Excerpt
	// Command is domxml.Command.
	Command = domxml.Command
	// Option is domxml.Option.
	Option = domxml.Option
	// KeyValue is domxml.KeyValue.
	KeyValue = domxml.KeyValue
	// Effect is domxml.Effect.
	Effect = domxml.Effect
	// Dropped is domxml.Dropped.
	Dropped = domxml.Dropped
	// Waiver is domxml.Waiver.
	Waiver = domxml.Waiver
	// Origin is domxml.Origin.
	Origin = domxml.Origin
	// Resource is reach.Resource.
	Resource = reach.Resource
	// Kind is domxml.Kind.
	Kind = domxml.Kind
	// NotDomainError is domxml.NotDomainError.
	NotDomainError = domxml.NotDomainError
)

// At is domxml.At.
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

// The effects of an option of the passthrough command line, see Effect.
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
