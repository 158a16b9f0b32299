package live

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TestMain lets the test binary replace netcat, with the input and output of a socket, or fetch
// from a URI in the daemon's network namespace.
func TestMain(m *testing.M) {
	if uri := os.Getenv("LIVE_TEST_FETCH"); uri != "" {
		h := Fetch(uri, Options{})
		fmt.Println(len(h.Documents), h.Problems, h.Notes) //nolint:forbidigo // this is a main
		return
	}
	if os.Getenv("LIVE_TEST_NETCAT") != "" {
		c, err := net.Dial("unix", os.Args[len(os.Args)-1])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // this is a main
		}
		go func() { _, _ = io.Copy(c, os.Stdin) }()
		_, _ = io.Copy(os.Stdout, c)
		return
	}
	m.Run()
}

// listen serves connections on a port of this host.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accept(t, l, serve)
	return l.Addr().String()
}

func fetchedAll(t *testing.T, uri string) {
	t.Helper()
	h := Fetch(uri, Options{Timeout: time.Minute})
	if len(h.Problems) != 0 || len(h.Documents) != 3 {
		t.Errorf("%s: %d documents, problems %v", uri, len(h.Documents), h.Problems)
	}
}

func TestTCP(t *testing.T) {
	fetchedAll(t, "qemu+tcp://"+listen(t, answering(polite))+"/system")
}

// TestSilentHosts connects to hosts that accept connections and send nothing, over each transport.
func TestSilentHosts(t *testing.T) {
	addr := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	pki := certificates(t)
	mute := filepath.Join(t.TempDir(), "ssh")
	script(t, mute, "exec sleep 600")
	for _, uri := range []string{
		"qemu+tcp://" + addr + "/system",
		"qemu+tls://" + addr + "/system?pkipath=" + pki,
		"qemu+libssh://" + addr + "/system?no_verify=1&sshauth=agent",
		"qemu+ssh://" + addr + "/system?command=" + mute,
	} {
		start := time.Now()
		h := Fetch(uri, Options{Timeout: 200 * time.Millisecond})
		if len(h.Problems) != 1 || !strings.Contains(h.Problems[0].Error(), "no answer within 200ms (--timeout sets the limit)") {
			t.Errorf("%s: %v", uri, h.Problems)
		}
		if d := time.Since(start); d > time.Minute {
			t.Errorf("%s: took %v", uri, d)
		}
	}
}

func script(t *testing.T, file, body string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// certificates creates an authority, and certificates for this host and a client, under the names
// that libvirt uses. It returns their directory.
func certificates(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write := func(name, kind string, der []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var parent *x509.Certificate
	var signer *ecdsa.PrivateKey
	for i, name := range []string{"ca", "server", "client"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IsCA: i == 0, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		if parent == nil {
			parent, signer = template, key
		}
		cert, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(name+"cert.pem", "CERTIFICATE", cert)
		write(name+"key.pem", "PRIVATE KEY", der)
	}
	return dir
}

func TestTLS(t *testing.T) {
	pki := certificates(t)
	cert, err := tls.LoadX509KeyPair(filepath.Join(pki, "servercert.pem"), filepath.Join(pki, "serverkey.pem"))
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(filepath.Join(pki, "cacert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	conf := &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	addr := listen(t, func(raw net.Conn) {
		c := tls.Server(raw, conf)
		if c.Handshake() != nil {
			return
		}
		_, _ = c.Write([]byte{1}) // by which libvirt confirms the certificate
		answering(polite)(c)
	})
	fetchedAll(t, "qemu+tls://"+addr+"/system?pkipath="+pki)
	h := Fetch("qemu+tls://"+addr+"/system?pkipath="+certificates(t), Options{Timeout: time.Minute})
	if len(h.Problems) != 1 || !strings.Contains(h.Problems[0].Error(), "certificate") {
		t.Errorf("a host of another authority: %v", h.Problems)
	}
}

// TestSSH replaces ssh by a script that passes the last argument to a shell, as ssh does on the
// remote host.
func TestSSH(t *testing.T) {
	socket := strings.TrimPrefix(daemon(t, answering(polite)), "qemu:///system?socket=")
	odd := filepath.Join(filepath.Dir(socket), "it's a $(socket)")
	if err := os.Rename(socket, odd); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	program, netcat, args := filepath.Join(dir, "ssh"), filepath.Join(dir, "n c"), filepath.Join(dir, "args")
	script(t, program, "printf '%s\\n' \"$@\" >"+args+"\nfor last; do :; done\nexec /bin/sh -c \"$last\"")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script(t, netcat, "LIVE_TEST_NETCAT=1 exec "+self+" \"$@\"")
	uri := "qemu+ssh://root@example.com:2222/system?" + url.Values{
		"command": {program}, "netcat": {netcat}, "socket": {odd}, "keyfile": {"/k"}, "no_verify": {"1"}, "no_tty": {"1"},
	}.Encode()
	fetchedAll(t, uri)
	got, err := os.ReadFile(args)
	if err != nil {
		t.Fatal(err)
	}
	if want := "-T\n-e\nnone\n-p\n2222\n-l\nroot\n-i\n/k\n-o\nStrictHostKeyChecking=no\n-o\nBatchMode=yes\n--\nexample.com\nsh -c "; !strings.HasPrefix(string(got), want) {
		t.Errorf("arguments\n%s\nwant\n%s", got, want)
	}

	script(t, program, "echo 'banner' >&2; echo 'root@example.com: Permission denied (publickey).' >&2; exit 255")
	h := Fetch(uri, Options{Timeout: time.Minute})
	if len(h.Problems) != 1 || !strings.Contains(h.Problems[0].Error(), "Permission denied (publickey).") {
		t.Errorf("problems %v", h.Problems)
	}
	script(t, program, "echo 'Welcome to example.com'; cat")
	h = Fetch(uri, Options{Timeout: time.Minute})
	if len(h.Problems) != 1 || !strings.Contains(h.Problems[0].Error(), "does not speak libvirt's protocol") {
		t.Errorf("problems %v", h.Problems)
	}
}

func TestRemoteScript(t *testing.T) {
	for uri, want := range map[string]string{
		"qemu+ssh://h/system":                          "if command -v virt-ssh-helper >/dev/null 2>&1; then exec virt-ssh-helper -r 'qemu:///system'; fi; ",
		"qemu+ssh://h/system?proxy=native":             "exec virt-ssh-helper -r 'qemu:///system'",
		"qemu+ssh://h/system?proxy=netcat":             "exec 'nc' $Q -U '/var/run/libvirt/libvirt-sock-ro'",
		"qemu+ssh://h/system?socket=/s%27x":            `exec 'nc' $Q -U '/s'\''x'`,
		"qemu+ssh://h/system?mode=direct&proxy=netcat": "-U '/var/run/libvirt/virtqemud-sock-ro'",
	} {
		target, err := parseURI(uri)
		if err != nil {
			t.Fatal(err)
		}
		if got := target.remoteScript(true); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
}

// TestLibssh connects to a server that forwards to sockets, as sshd does.
func TestLibssh(t *testing.T) {
	socket := strings.TrimPrefix(daemon(t, answering(polite)), "qemu:///system?socket=")
	_, host, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(host)
	if err != nil {
		t.Fatal(err)
	}
	conf := &ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
		if string(password) != "hunter2" {
			return nil, io.EOF
		}
		return &ssh.Permissions{}, nil
	}}
	conf.AddHostKey(signer)
	addr := listen(t, func(raw net.Conn) {
		_, channels, requests, err := ssh.NewServerConn(raw, conf)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for offer := range channels {
			var to struct {
				Path, Reserved string
				Port           uint32
			}
			if offer.ChannelType() != "direct-streamlocal@openssh.com" || ssh.Unmarshal(offer.ExtraData(), &to) != nil {
				_ = offer.Reject(ssh.UnknownChannelType, "no")
				continue
			}
			c, err := net.Dial("unix", to.Path)
			if err != nil {
				_ = offer.Reject(ssh.ConnectionFailed, "no such socket")
				continue
			}
			channel, more, err := offer.Accept()
			if err != nil {
				return
			}
			go ssh.DiscardRequests(more)
			go func() { _, _ = io.Copy(c, channel); _ = c.Close() }()
			go func() { _, _ = io.Copy(channel, c); _ = channel.Close() }()
		}
	})
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	base := "qemu+libssh://root:hunter2@" + addr + "/system?sshauth=password&socket=" + socket + "&known_hosts=" + known
	fetchedAll(t, base+"&known_hosts_verify=auto")
	fetchedAll(t, base) // whose key is known now
	for uri, want := range map[string]string{
		strings.Replace(base, "hunter2", "hunter3", 1):                    "unable to authenticate",
		strings.Replace(base, "socket="+socket, "socket=/nowhere", 1):     "no such socket",
		strings.Replace(base, "known_hosts="+known, "known_hosts=/no", 1): "/no",
		base + "&known_hosts_verify=x":                                    "unknown known_hosts_verify",
		strings.Replace(base, "sshauth=password", "sshauth=x", 1):         "unknown sshauth",
	} {
		h := Fetch(uri, Options{Timeout: time.Minute})
		if len(h.Problems) != 1 || !strings.Contains(h.Problems[0].Error(), want) || strings.Contains(h.Problems[0].Error(), "hunter") {
			t.Errorf("%v, want %s", h.Problems, want)
		}
	}
}
