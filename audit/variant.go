package audit

import (
	"fmt"
	"strings"

	"github.com/virt-audit/virt-audit/audit/domxml"
	"github.com/virt-audit/virt-audit/audit/secret"
)

// Variant reports findings under a key, see Pass.Key.
type Variant struct {
	pass  *Pass
	key   string
	about []string
}

// Key returns a Variant that reports findings under a key. The key is part of a finding's identity,
// together with the rule, the guest, the path and the content at that path; the message is not. A
// rule needs keys if it can have different findings about the same content: two findings at one
// element, or one that depends on something outside the document, such as the host's settings. A
// key consists of lower-case words joined by dashes and stays the same when messages are reworded.
//
// about is data that distinguishes findings under one key and is not in the content at the path:
// the key of an argument, the name of an unknown attribute, the value of a host's setting. It must
// not contain text of virt-audit itself, nor data that changes while the finding stays the same:
// counts, line numbers, the names of other guests.
func (p *Pass) Key(key string, about ...string) Variant { return Variant{p, key, about} }

// Reportf reports a finding at a place. A message is one sentence without a period, for the person
// who has to fix it. It must not contain a secret.
func (p *Pass) Reportf(at Path, format string, args ...any) {
	Variant{pass: p}.ReportAs(p.rule.Severity, at, format, args...)
}

// ReportAs is Reportf with a severity that differs from the rule's in this case.
func (p *Pass) ReportAs(s Severity, at Path, format string, args ...any) {
	Variant{pass: p}.ReportAs(s, at, format, args...)
}

// ReportDropped reports an element that the reader dropped, at its place.
func (p *Pass) ReportDropped(e Dropped, format string, args ...any) {
	Variant{pass: p}.ReportDropped(e, format, args...)
}

// ReportSpan reports a range of the document that is neither an element nor an attribute.
func (p *Pass) ReportSpan(at Span, format string, args ...any) {
	Variant{pass: p}.ReportSpan(at, format, args...)
}

// ReportWaiver reports a fault of a waiver of the domain, at its place.
func (p *Pass) ReportWaiver(w *AppliedWaiver, format string, args ...any) {
	Variant{pass: p}.ReportWaiverAs(p.rule.Severity, w, format, args...)
}

// Reportf is Pass.Reportf.
func (v Variant) Reportf(at Path, format string, args ...any) {
	v.ReportAs(v.pass.rule.Severity, at, format, args...)
}

// ReportAs is Pass.ReportAs.
func (v Variant) ReportAs(s Severity, at Path, format string, args ...any) {
	v.add(s, at, v.pass.SpanOf(at), v.pass.ContentAt(at), fmt.Sprintf(format, secret.MaskArgs(args)...))
}

// ReportDropped is Pass.ReportDropped.
func (v Variant) ReportDropped(e Dropped, format string, args ...any) {
	message := fmt.Sprintf(format, secret.MaskArgs(args)...)
	v.add(v.pass.rule.Severity, Path{}, e.Span, v.pass.ContentOf(e.Span), message)
}

// ReportSpan is Pass.ReportSpan.
func (v Variant) ReportSpan(at Span, format string, args ...any) {
	message := fmt.Sprintf(format, args...)
	v.add(v.pass.rule.Severity, Path{}, at, v.pass.ContentOf(at), message)
}

// ReportWaiver is Pass.ReportWaiver.
func (v Variant) ReportWaiver(w *AppliedWaiver, format string, args ...any) {
	v.ReportWaiverAs(v.pass.rule.Severity, w, format, args...)
}

// ReportWaiverAs is ReportWaiver with a severity that differs from the rule's in this case.
func (v Variant) ReportWaiverAs(s Severity, w *AppliedWaiver, format string, args ...any) {
	message := fmt.Sprintf(format, secret.MaskArgs(args)...)
	v.add(s, At("metadata"), w.Tag, v.pass.ContentOf(w.Tag), message)
}

func (v Variant) add(s Severity, at Path, span Span, about domxml.Content, message string) {
	p := v.pass
	p.result.Findings = append(p.result.Findings, Finding{
		Rule: p.rule, Severity: s, Key: v.key, Message: domxml.Shorten(secret.MaskWords(message)),
		Path: at, Pos: p.PosOf(span), Excerpt: p.Excerpt(span),
		DependsOn: p.dependsOn & p.result.Host, content: v.with(about), Device: p.DeviceLabel(at),
	})
}

// with returns a digest of the content and of the data that was passed with the key. The data is
// masked, as a message with the same data would be.
func (v Variant) with(c domxml.Content) domxml.Content {
	if len(v.about) == 0 {
		return c
	}
	var b strings.Builder
	b.Write(c[:])
	for _, text := range v.about {
		b.WriteString(secret.MaskWords(text))
		b.WriteByte(0)
	}
	return domxml.Digest(b.String())
}
