package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
	"github.com/virt-audit/virt-audit/audit/domxml"
)

const writtenByLibvirt = "<!-- WARNING: THIS IS AN AUTO-GENERATED FILE. -->"

// TestRedacted: if passwords are omitted from a document, the rules about them are not evaluated,
// and a public console is still reported.
func TestRedacted(t *testing.T) {
	for _, c := range []struct{ rule, device, want string }{
		{"endpoint-vnc-public", `<graphics type='vnc' listen='0.0.0.0'/>`, "high, unknown"},
		{"endpoint-vnc-public", writtenByLibvirt + `<graphics type='vnc' listen='0.0.0.0'/>`, "critical"},
		{"endpoint-vnc-public", `<graphics type='vnc' listen='127.0.0.1'/>`, ""},
		{"endpoint-vnc-public", `<graphics type='vnc' listen='0.0.0.0' passwd='*****'/>`, ""},
		{"endpoint-vnc-public", `<graphics type='vnc' listen='0.0.0.0' passwdValidTo='2031-01-01T00:00:00'/>`, "high, unknown"},
		{"endpoint-vnc-public", `<graphics type='vnc' listen='0.0.0.0' passwdValidTo='1970-01-01T00:00:01'/>`, "high, unknown"},
		{"endpoint-vnc-public", writtenByLibvirt + `<graphics type='vnc' listen='0.0.0.0' passwdValidTo='2031-01-01T00:00:00'/>`, "critical"},
		{"endpoint-vnc-public", `<graphics type='vnc' listen='0.0.0.0' passwd='x' passwdValidTo='2031-01-01T00:00:00'/>`, ""},
		{"endpoint-spice-public", `<graphics type='spice' port='5900' listen='0.0.0.0' passwdValidTo='2031-01-01T00:00:00'/>`, "high, unknown"},
		{"endpoint-spice-public", `<graphics type='vnc' passwd='x'/><graphics type='spice' port='5900' listen='::' passwdValidTo='2031-01-01T00:00:00'/>`, "critical"},
		{"endpoint-vnc-password-remote", `<graphics type='vnc' listen='0.0.0.0'/>`, "unknown"},
		{"endpoint-vnc-password-remote", `<graphics type='vnc' listen='0.0.0.0' passwd='*****'/>`, "high"},
		{"endpoint-vnc-password-remote", `<graphics type='vnc' listen='0.0.0.0' passwdValidTo='2031-01-01T00:00:00'/>`, "unknown"},
		{"endpoint-vnc-password-remote", `<graphics type='vnc' listen='0.0.0.0' passwdValidTo='1970-01-01T00:00:01'/>`, "unknown"},
		{"endpoint-vnc-password-remote", `<graphics type='vnc' listen='0.0.0.0' passwd='x' passwdValidTo='1970-01-01T00:00:01'/>`, "medium"},
		{"endpoint-vnc-password-remote", `<graphics type='vnc'/>`, ""},
		{"endpoint-graphics-empty-password", `<graphics type='vnc' listen='0.0.0.0'/>`, "unknown"},
		{"endpoint-graphics-empty-password", `<graphics type='vnc'/>`, ""},
		{"endpoint-spice-public", `<graphics type='spice' autoport='yes' listen='0.0.0.0'/>`, "high, unknown"},
		{"endpoint-spice-public", `<graphics type='vnc' passwd='x'/><graphics type='spice' autoport='yes' listen='0.0.0.0'/>`, "critical"},
		{"secret-graphics-passwd", `<graphics type='vnc'/>`, "unknown"},
		{"secret-graphics-passwd", `<graphics type='vnc' passwd='*****'/>`, "unknown"},
		{"secret-graphics-passwd", `<graphics type='vnc'><listen type='socket'/></graphics>`, ""},
		{"secret-graphics-passwd", ``, ""},
		{"secret-rdp-passwd", `<graphics type='rdp' username='u'/>`, "unknown"},
		{"secret-rdp-passwd", `<graphics type='rdp' username='u' passwd='p'/>`, "medium"},
		{"secret-http-cookie", `<disk type='network'><source protocol='https' name='x'/></disk>`, "unknown"},
		{"secret-http-cookie", `<disk type='network'><source protocol='nbd' name='x'/></disk>`, ""},
		{"secret-http-cookie", `<disk type='network'><source protocol='https' name='x'><cookies><cookie name='a'>canary</cookie></cookies></source></disk>`, "high"},
		{"secret-http-cookie", `<disk type='network'><source protocol='gluster' name='x'><cookies><cookie name='a'>canary</cookie></cookies></source></disk>`, ""},
		{"secret-http-cookie", `<disk type='volume'><source pool='p' volume='x'><cookies><cookie name='a'>canary</cookie></cookies></source></disk>`, ""},
		{"secret-url-userinfo", `<disk type='network'><source protocol='https' name='x'><host name='joe:canary@example.org'/></source></disk>`, "high"},
		{"secret-url-userinfo", `<disk type='network'><source protocol='https' name='x'><host name='joe@example.org'/></source></disk>`, ""},
		{"secret-url-userinfo", `<disk type='file'><source file='iscsi://joe%canary@192.0.2.7/iqn/1'/></disk>`, "high"},
		{"secret-url-userinfo", `<disk type='file'><source file='https://joe%40example.org@192.0.2.7/x'/></disk>`, ""},
		{"secret-url-userinfo", `<disk><source file='/a'/><mirror><source file='https://joe:canary@192.0.2.7/x'/></mirror></disk>`, "high"},
	} {
		header, devices, ok := strings.Cut(c.device, "-->")
		if header += "-->"; !ok {
			header, devices = "", c.device
		}
		res := runOne(t, c.rule, header+"<domain type='kvm'><os><type>hvm</type></os><devices>"+devices+"</devices></domain>")
		var got []string
		for _, f := range res.Findings {
			got = append(got, f.Severity.String())
			if strings.Contains(f.Message, "canary") {
				t.Errorf("%s: the message contains a secret: %s", c.rule, f.Message)
			}
		}
		if len(res.Unevaluated) > 0 {
			got = append(got, "unknown")
		}
		if s := strings.Join(got, ", "); s != c.want {
			t.Errorf("%s on %s: %q, want %q", c.rule, c.device, s, c.want)
		}
	}
}

// TestPassed covers arguments without a finding. Good documents cannot, since another rule reports
// the command line itself.
func TestPassed(t *testing.T) {
	for _, c := range []struct {
		rule string
		args []string
	}{
		{"endpoint-vnc-public", []string{"-vnc", "none", "-display", "gtk", "-vnc", "unix:/run/vnc.sock", "-vnc", "127.0.0.1:9", "-vnc", "192.0.2.7:9,password=on", "-vnc", "h:5500,reverse=on"}},
		{"endpoint-vnc-password-remote", []string{"-vnc", ":4,tls-creds=t,password=on", "-vnc", ":4,sasl=on", "-vnc", "localhost:4,password=on"}},
		{"endpoint-spice-public", []string{"-spice", "unix=on,addr=/run/web.sock,disable-ticketing=on", "-spice", "port=5999,password-secret=s"}},
		{"endpoint-spice-plaintext", []string{"-spice", "tls-port=5999,x509-dir=/etc/pki/libvirt-spice", "-spice", "port=1,addr=127.0.0.1"}},
		{"endpoint-chardev-tcp-listen", []string{
			"-serial", "tcp:192.0.2.7:4444", "-serial", "null", "-serial", "tcp:127.0.0.1:1,server=on", "-serial", "udp::1", "-chardev", "socket,id=a,path=/run/a.sock,server=on",
			"-chardev", "socket,id=b,port=9,host=127.0.0.1,server=on", "-chardev", "socket,id=m,port=9,host=0.0.0.0,server=on", "-mon", "m", "-chardev", "socket,id=d,port=9,host=0.0.0.0,server=on,tls-creds=t",
		}},
		{"endpoint-monitor-exposed", []string{"-monitor", "none", "-serial", "stdio", "-chardev", "null,id=n0", "-mon", "chardev=n0", "-name", "-s", "-gdb", "none"}},
		{"endpoint-migration-cmdline", []string{"-incoming", "defer"}},
		{"secret-qemu-arg", []string{
			"-object", "secret,id=master,file=/etc/pki/master.key", "-object", "secret,id=s0,keyid=master,iv=AAAA,format=base64,data=QUJD", "-vnc", "127.0.0.1:1,password=on",
			"-drive", "file=https://192.0.2.7/guest.iso,media=cdrom,file.password-secret=s0", "-drive", "file=rbd:pool/image:id=admin", "-append", "quiet rd.luks.key=/etc/key",
		}},
	} {
		var b strings.Builder
		b.WriteString(`<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:commandline>`)
		for _, a := range c.args {
			fmt.Fprintf(&b, "<qemu:arg value='%s'/>", a)
		}
		b.WriteString(`</qemu:commandline></domain>`)
		for _, f := range runOne(t, c.rule, b.String()).Findings {
			t.Errorf("%s: %s %s", c.rule, f.Path, f.Message)
		}
	}
}

func runOne(t *testing.T, id, document string) *audit.Result {
	t.Helper()
	d, err := domxml.Load("test", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range All() {
		if r.ID == id {
			return audit.Run(d, &audit.Settings{Rules: []*audit.Rule{r}})
		}
	}
	t.Fatal(fmt.Errorf("no rule %s", id))
	return nil
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1": true, "127.8.9.1": true, "127.1": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"localhost": true, "LOCALHOST.": true, "0x7f.1": true, "2130706433": true, "::FFFF:127.0.0.1": true,
		"ip6-loopback": false, "localhost4": false, "127.0.0.999": false, "127.0.0.1.": false, "": false, "0": false, "::ffff:0.0.0.0": false,
		"0.0.0.0": false, "::": false, "127.0.0.1.example.org": false, "localhost.example.org": false,
		"10.0.0.1": false, "*": false, "fe80::1%eth0": false,
	} {
		if isLoopback(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}
