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

// target is a connection URI taken apart (see https://libvirt.org/uri.html).
type target struct {
	shown     string // as typed, without a password
	driver    string // "qemu"
	transport string // "unix", "tcp", "tls", "ssh", "libssh", "libssh2"
	url       *url.URL
	params    url.Values
}

// inProcess are the drivers that libvirt's own library has inside: there is no
// daemon to ask, unless a transport is given.
var inProcess = []string{"test", "esx", "gsx", "vpx", "hyperv", "phyp", "vmwareplayer", "vmwarews", "vmwarefusion"}

// parseURI takes a URI apart. Errors do not name it again, and show no password.
func parseURI(uri string) (*target, error) {
	u, err := url.Parse(uri)
	switch {
	case uri == "":
		return nil, errors.New("an empty connection URI")
	case err != nil:
		if bad, ok := errors.AsType[*url.Error](err); ok {
			err = bad.Err // without the URI
		}
		return nil, fmt.Errorf("malformed connection URI: %w", err)
	case u.Scheme == "" || u.Opaque != "":
		return nil, errors.New("no connection URI: one looks like qemu:///system or qemu+ssh://root@host/system")
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
		return nil, fmt.Errorf("unsupported transport %q: unix, tcp, tls, ssh, libssh or libssh2 is wanted", t.transport)
	}
	switch {
	case t.transport == "unix" && u.Host != "":
		return nil, errors.New("a host name with a local socket: use qemu+ssh://, qemu+tls:// or qemu+tcp:// for a remote host")
	case t.transport != "unix" && u.Hostname() == "":
		return nil, fmt.Errorf("no host name for the transport %s", t.transport)
	case !explicit && slices.Contains(inProcess, t.driver) && !t.params.Has("socket"):
		return nil, fmt.Errorf("the driver %s runs inside of libvirt's library, there is no daemon to ask: use `virsh -c %s dumpxml NAME | virt-audit -`", t.driver, t.shown)
	case u.Path == "/embed":
		return nil, errors.New("an embedded driver runs inside of the program that opens it: audit the files below its root instead")
	}
	return t, nil
}

// withoutPassword returns a URI as it may be shown: a password in it is masked,
// also where the URI is malformed.
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

// remote returns the URI that the daemon is asked for: how it was reached is
// none of its business.
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

// socketPath returns the socket of the daemon, found as libvirt's library finds
// it (source: src/remote/remote_sockets.c): the driver's own daemon if it has a
// socket, else the one daemon for all. Unprivileged users have daemons of their
// own for sessions, and those have no read-only socket.
func (t *target) socketPath(readOnly bool, euid int, getenv func(string) string) (string, error) {
	if path := t.params.Get("socket"); path != "" {
		return path, nil
	}
	folder, suffix := "/var/run/libvirt", "-sock"
	if (t.url.Path == "/session" || t.driver == "test") && euid > 0 {
		if folder = runtimeFolder(getenv); folder == "" {
			return "", errors.New("the session's sockets cannot be found: neither XDG_RUNTIME_DIR nor HOME is set")
		}
	} else if readOnly {
		suffix = "-sock-ro"
	}
	direct := filepath.Join(folder, "virt"+t.driver+"d"+suffix)
	legacy := filepath.Join(folder, "libvirt"+suffix)
	switch mode := t.params.Get("mode"); mode {
	case "direct":
		return direct, nil
	case "legacy":
		return legacy, nil
	case "", "auto":
	default:
		return "", fmt.Errorf("unknown mode %q: auto, direct or legacy is wanted", mode)
	}
	for _, path := range []string{direct, legacy} {
		if _, err := os.Stat(path); err == nil || errors.Is(err, fs.ErrPermission) {
			return path, nil
		}
	}
	return "", fmt.Errorf("no daemon: neither %s nor %s exists: is libvirtd, or virt%sd, running?", direct, legacy, t.driver)
}

// runtimeFolder is where the daemons of a user's session have their sockets.
func runtimeFolder(getenv func(string) string) string {
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
