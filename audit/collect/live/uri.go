package live

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// target is a parsed connection URI (see https://libvirt.org/uri.html).
type target struct {
	shown     string // as typed, without a password
	driver    string // "qemu"
	transport string // "unix", "tcp", "tls", "ssh", "libssh", "libssh2"
	url       *url.URL
	params    url.Values
}

// inProcess are the drivers that run in libvirt's library. They have no daemon to query, unless the
// URI names a transport.
var inProcess = []string{"test", "esx", "gsx", "vpx", "hyperv", "phyp", "vmwareplayer", "vmwarews", "vmwarefusion"}

// parseURI parses a connection URI. Errors do not repeat it, and contain no password.
func parseURI(uri string) (*target, error) {
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return nil, errors.New("empty connection URI")
	case err != nil:
		if bad, ok := errors.AsType[*url.Error](err); ok {
			err = bad.Err // without the URI
		}
		return nil, fmt.Errorf("malformed connection URI: %w", err)
	case u.Scheme == "" || u.Opaque != "":
		return nil, errors.New("not a connection URI: expected one like qemu:///system or qemu+ssh://root@host/system")
	}
	t := &target{shown: withoutPassword(uri), url: u, params: u.Query()}
	var explicit bool
	t.driver, t.transport, explicit = strings.Cut(u.Scheme, "+")
	switch {
	case !explicit && u.Host == "":
		t.transport = "unix"
	case !explicit:
		t.transport = "tls"
	}
	switch t.transport {
	case "unix", "tcp", "tls", "ssh", "libssh", "libssh2":
	default:
		return nil, fmt.Errorf("unsupported transport %q: must be unix, tcp, tls, ssh, libssh or libssh2", t.transport)
	}
	switch {
	case t.transport == "unix" && u.Host != "":
		return nil, errors.New("a host name with a local socket: use qemu+ssh://, qemu+tls:// or qemu+tcp:// for a remote host")
	case t.transport != "unix" && u.Hostname() == "":
		return nil, fmt.Errorf("no host name for the transport %s", t.transport)
	case !explicit && slices.Contains(inProcess, t.driver) && !t.params.Has("socket"):
		return nil, fmt.Errorf("the driver %s runs inside libvirt's library and has no daemon to query: use `virsh -c %s dumpxml NAME | virt-audit -`", t.driver, t.shown)
	case u.Path == "/embed":
		return nil, errors.New("an embedded driver runs inside the process that opens it: audit the files below its root instead")
	}
	return t, nil
}

// withoutPassword returns a URI with a masked password. The URI may be malformed.
func withoutPassword(uri string) string {
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri
	}
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if colon := strings.IndexByte(authority[:at], ':'); colon >= 0 {
			authority = authority[:colon] + ":****" + authority[at:]
		}
	}
	return scheme + "://" + authority + tail
}

// remote returns the URI for the daemon, without transport, host and parameters.
func (t *target) remote() string {
	if name := t.params.Get("name"); name != "" {
		return name
	}
	path := t.url.Path
	if path == "" {
		path = "/"
	}
	return t.driver + "://" + path
}

// socketPath returns the socket of the daemon, found as libvirt's library finds it (source:
// src/remote/remote_sockets.c): that of the driver's own daemon if it exists, else that of
// libvirtd. The session daemons of unprivileged users have no read-only socket.
func (t *target) socketPath(readOnly bool, euid int, getenv func(string) string) (string, error) {
	if path := t.params.Get("socket"); path != "" {
		return path, nil
	}
	dir, suffix := "/var/run/libvirt", "-sock"
	if (t.url.Path == "/session" || t.driver == "test") && euid > 0 {
		if dir = runtimeDir(getenv); dir == "" {
			return "", errors.New("cannot find the session's sockets: neither XDG_RUNTIME_DIR nor HOME is set")
		}
	} else if readOnly {
		suffix = "-sock-ro"
	}
	direct := filepath.Join(dir, "virt"+t.driver+"d"+suffix)
	legacy := filepath.Join(dir, "libvirt"+suffix)
	switch mode := t.params.Get("mode"); mode {
	case "direct":
		return direct, nil
	case "legacy":
		return legacy, nil
	case "", "auto":
	default:
		return "", fmt.Errorf("unknown mode %q: must be auto, direct or legacy", mode)
	}
	for _, path := range []string{direct, legacy} {
		if _, err := os.Stat(path); err == nil || errors.Is(err, fs.ErrPermission) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no daemon: neither %s nor %s exists; is libvirtd or virt%sd running?", direct, legacy, t.driver)
}

// runtimeDir returns the directory of the sockets of a user's session, or "" if the environment
// does not locate it.
func runtimeDir(getenv func(string) string) string {
	if dir := getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "libvirt")
	}
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "libvirt")
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "libvirt")
	}
	return ""
}
