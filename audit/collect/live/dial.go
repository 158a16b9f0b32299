package live

import (
	"errors"
	"net"
	"os"
	"strings"

	"github.com/digitalocean/go-libvirt/socket/dialers"
)

// dial connects to the daemon. The caller stops waiting after the timeout, see within; the timeouts
// here end the attempt itself.
func (t *target) dial(o Options) (net.Conn, error) {
	host, port := t.url.Hostname(), t.url.Port()
	switch t.transport {
	case "unix":
		path, err := t.socketPath(o.ReadOnly, os.Geteuid(), o.Getenv)
		if err != nil {
			return nil, err
		}
		return net.DialTimeout("unix", path, o.Timeout)
	case "tcp":
		if port == "" {
			port = "16509"
		}
		return net.DialTimeout("tcp", net.JoinHostPort(host, port), o.Timeout)
	case "tls":
		var options []dialers.TLSOption
		if port != "" {
			options = append(options, dialers.UseTLSPort(port))
		}
		if path := t.params.Get("pkipath"); path != "" {
			options = append(options, dialers.UsePKIPath(path))
		}
		if t.params.Get("no_verify") == "1" {
			options = append(options, dialers.WithInsecureNoVerify())
		}
		return dialers.NewTLS(host, options...).Dial()
	case "ssh":
		return t.dialSSH(o)
	}
	return t.dialLibssh(o)
}

// remoteSocket returns the path of the socket on a remote host, where the sockets that exist are
// unknown. Like libvirt's library, it returns that of libvirtd unless the URI has another mode.
func (t *target) remoteSocket(readOnly bool) string {
	switch path := t.params.Get("socket"); {
	case path != "":
		return path
	case t.params.Get("mode") == "direct" && readOnly:
		return "/var/run/libvirt/virt" + t.driver + "d-sock-ro"
	case t.params.Get("mode") == "direct":
		return "/var/run/libvirt/virt" + t.driver + "d-sock"
	case readOnly:
		return "/var/run/libvirt/libvirt-sock-ro"
	}
	return "/var/run/libvirt/libvirt-sock"
}

// dialLibssh connects over ssh without the command ssh. Keys and known hosts are read from the
// files that libvirt's transports libssh and libssh2 read.
func (t *target) dialLibssh(o Options) (net.Conn, error) {
	password, _ := t.url.User.Password()
	options := []dialers.SSHOption{
		dialers.UseSSHPort(t.url.Port()),
		dialers.UseSSHUsername(t.url.User.Username()),
		dialers.UseSSHPassword(password),
		dialers.WithRemoteSocket(t.remoteSocket(o.ReadOnly)),
	}
	if file := t.params.Get("keyfile"); file != "" {
		options = append(options, dialers.UseKeyFile(file))
	}
	if file := t.params.Get("known_hosts"); file != "" {
		options = append(options, dialers.UseKnownHostsFile(file))
	}
	verify := t.params.Get("known_hosts_verify")
	if t.params.Get("no_verify") == "1" {
		verify = "ignore"
	}
	switch verify {
	case "ignore":
		options = append(options, dialers.WithInsecureIgnoreHostKey())
	case "auto":
		options = append(options, dialers.WithAcceptUnknownHostKey())
	case "", "normal":
	default:
		return nil, errors.New("unknown known_hosts_verify: must be normal, auto or ignore")
	}
	if list := t.params.Get("sshauth"); list != "" {
		methods := &dialers.SSHAuthMethods{}
		for m := range strings.SplitSeq(list, ",") {
			switch m {
			case "agent":
				methods = methods.Agent()
			case "privkey":
				methods = methods.PrivKey()
			case "password":
				methods = methods.Password()
			case "keyboard-interactive":
				methods = methods.KeyboardInteractive()
			default:
				return nil, errors.New("unknown sshauth: must be agent, privkey, password or keyboard-interactive")
			}
		}
		options = append(options, dialers.WithSSHAuthMethods(methods))
	}
	return dialers.NewSSH(t.url.Hostname(), options...).Dial()
}
