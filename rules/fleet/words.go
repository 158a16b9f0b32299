package fleet

import (
	"slices"
	"strings"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/reach"
)

// String describes the resource for messages: "disk /srv/a.img", "NVRAM /srv/vars.fd".
func (t resource) String() string {
	if t.from == nil {
		return redacted(t.what)
	}
	sort := strings.TrimPrefix(t.detail, defaultState)
	switch {
	case t.from.ID == "mem-shmem":
		return "shared memory '" + redacted(t.from.Written) + "'"
	case t.from.Kind == reach.Socket && sort == memoryFile:
		return "shared memory of the server " + redacted(shown(t))
	case sort == memoryFile:
		return "memory in " + redacted(shown(t))
	case sort == shareableDisk:
		sort = disk
	}
	return sort + " " + redacted(shown(t))
}

// shown is the name as the document has it, without the parts of a remote image that may be secret.
func shown(t resource) string {
	r := t.from
	switch {
	case r.Kind == reach.Remote:
		protocol, rest, _ := strings.Cut(r.Name, "://")
		name := r.Written
		if strings.Contains(name, "://") { // of the command line: the name of the inventory
			_, name, _ = strings.Cut(rest[socketEnd(rest):], "/")
		}
		return strings.TrimSuffix(protocol+":"+name, ":")
	case r.Kind == reach.Volume, r.ID == "boot-loader":
		return r.Name
	case r.Kind == reach.Descriptor:
		return t.key
	case strings.TrimSpace(r.Written) == "":
		return r.Name
	}
	return strings.TrimSpace(r.Written)
}

// socketEnd returns where the path of a socket ends with which the servers of an image begin.
func socketEnd(servers string) int {
	if !strings.HasPrefix(servers, "[") {
		return 0
	}
	return strings.IndexByte(servers, ']') + 1
}

// reported is the place at which findings about a resource are reported. It is part of their
// fingerprints; where the inventory names the element around it, this is the attribute itself.
func reported(r *audit.Resource) audit.Path {
	switch r.ID {
	case "disk-no-name":
		return r.At.Attr("name")
	case "disk-fd":
		return r.At.Attr("file")
	case "mem-shmem-own":
		return r.At.Attr("path")
	case "dev-tpm-own":
		return r.At.Elem("device").Attr("path")
	case "chr-tcp-listen", "chr-udp-bind":
		return r.At.Attr("service")
	case "dev-usb-id", "if-usb-id":
		return around(r.At, "/vendor").Elem("product")
	}
	return r.At
}

// around returns the path of the element that contains the one at which a step begins.
func around(at audit.Path, step string) audit.Path {
	text, _, _ := strings.Cut(at.String(), "@")
	if i := strings.LastIndex(text, step); i >= 0 {
		text = text[:i]
	}
	return audit.At(text)
}

// secretMarks precede a secret in the name of an image on a server.
var secretMarks = []string{"://", "passw", "pass=", "pwd=", "key=", "token=", "secret=", "sig=", "signature=", "credential"}

// redacted returns the description of a resource, unless it may contain a secret, as URLs and
// options in the name of an image can.
func redacted(what string) string {
	low := strings.ToLower(what)
	user, _, at := strings.Cut(low, "@")
	if at && strings.ContainsAny(user, ":%") || slices.ContainsFunc(secretMarks, func(m string) bool { return strings.Contains(low, m) }) {
		return "(name not shown)"
	}
	return what
}
