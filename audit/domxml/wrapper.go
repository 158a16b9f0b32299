package domxml

import (
	"encoding/xml"
	"slices"
)

// libvirt also stores domains inside other documents. It reads the document as a whole and looks
// for the inner element with the XPath "./domain", of whose matches it takes the first (source: the
// users of virXPathNode in src/conf/domain_conf.c, snapshot_conf.c and checkpoint_conf.c; for
// snapshots and running guests tested with libvirt 9). The reader does the same: it goes through
// the whole document and passes elements to the decoder from the inner one on, so that positions,
// depth and prefixes declared further out are those of the file.

// wrappers lists the root elements of such documents, with the kind of each domain that they
// contain.
var wrappers = map[string]map[string]Kind{
	"domstatus":        {"domain": Running},
	"domainsnapshot":   {"domain": Snapshot, "inactiveDomain": SnapshotInactive},
	"domaincheckpoint": {"domain": Checkpoint},
}

// wrapper is what the reader knows of the elements around the domain.
type wrapper struct {
	root        string // as written, without its prefix
	origin      Origin // of all domains in it
	kinds       []Kind // of the domains read so far
	childStart  int    // where the content of the current child of the root begins
	untypedSeen bool   // a <domain> without a type was seen
	dropped     []Dropped
}

// outermost checks the root element and, in a document that contains a domain, the children of the
// root. It returns the start of a domain, or nil for an element that is skipped.
func (r *reader) outermost(f *frame, attrs []xml.Attr, start, end int) (xml.Token, error) {
	if len(r.stack) == 2 {
		return r.rootChild(f, attrs, start, end)
	}
	name := f.raw.Local
	uri, declared := r.resolve(f.raw.Space)
	if name != "domain" && wrappers[name] == nil || !declared {
		if f.raw.Space != "" {
			name = f.raw.Space + ":" + name
		}
		return nil, &NotDomainError{Source: r.source, Root: name}
	}
	if uri != "" && f.raw.Space == "" {
		return nil, r.refuse(start, "a default namespace on <%s> (libvirt finds no element of the domain then)", name)
	}
	if name == "domain" {
		return r.startDomain(f, attrs, start, end)
	}
	if err := r.refusePrefixed(attrs, start); err != nil {
		return nil, err // the elements inside inherit xml:space, which changes what libxml2 keeps of them
	}
	r.wrapperDepth = 1
	r.wrap.root = name
	// libvirt writes <domstatus> only to its own files, passwords included.
	r.wrap.origin = Origin{Stated: true, Secrets: name == "domstatus"}
	if name == "domstatus" {
		r.wrap.origin.State = value(attrs, "state")
	}
	f.mode = wrapping
	return nil, nil
}

// rootChild handles a child of the root: a domain, a fact about it, or an element to skip.
func (r *reader) rootChild(f *frame, attrs []xml.Attr, start, end int) (xml.Token, error) {
	f.mode = ignored
	r.wrap.childStart = end
	uri, declared := r.resolve(f.raw.Space)
	kind, holds := wrappers[r.wrap.root][f.raw.Local]
	switch {
	case !holds && f.raw == xml.Name{Local: "taint"} && r.wrap.root == "domstatus":
		r.wrap.origin.Taints = append(r.wrap.origin.Taints, value(attrs, "flag"))
		return nil, nil
	case !holds:
		return nil, nil
	case uri != "" || !declared:
		r.recordDroppedRootChild(f.raw, ForeignNamespace, start, end)
		return nil, nil
	}
	if slices.Contains(r.wrap.kinds, kind) {
		r.recordDroppedRootChild(f.raw, Repeated, start, end)
		return nil, nil
	}
	if kind == Snapshot {
		// A snapshot of libvirt before 0.9.5 contains only the identity of its guest here, and the
		// documents that users write to create a snapshot do not even have that; a revert then uses
		// the guest's own definition.
		switch typed := value(attrs, "type") != ""; {
		case !typed:
			r.wrap.untypedSeen = true
			return nil, nil
		case r.wrap.untypedSeen:
			return nil, r.refuse(start, "a second <domain>, and the first has no type (libvirt refuses the snapshot)")
		}
	}
	r.wrap.kinds = append(r.wrap.kinds, kind)
	r.index = index{src: r.src, begin: r.begin, nodes: make([]node, 0, 16+len(r.src)/48)}
	r.dropped = nil
	return r.startDomain(f, attrs, start, end)
}

// rootChildEnd records the label from a child of the root that has just ended.
func (r *reader) rootChildEnd(name xml.Name, end int) {
	if name == (xml.Name{Local: "name"}) && r.wrap.origin.Label == "" && r.wrap.root != "domstatus" {
		r.wrap.origin.Label = textOf(r.src[min(r.wrap.childStart, end):end])
	}
}

func (r *reader) recordDroppedRootChild(name xml.Name, why DropReason, start, end int) {
	inside := r.dropped
	r.dropped = nil
	r.recordDropped(name, why, start, end)
	r.wrap.dropped = append(r.wrap.dropped, r.dropped...)
	r.dropped = inside
}
