package audit

import (
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// args returns a command line with arguments.
func args(values ...string) string {
	if len(values) == 0 {
		return "<qemu:commandline></qemu:commandline>"
	}
	return "<qemu:commandline><qemu:arg value='" + strings.Join(values, "'/><qemu:arg value='") + "'/></qemu:commandline>"
}

const (
	atCommand = "qemu:commandline"
	atSource  = "devices/disk/source"
)

func disk(source string) string {
	return "<devices><disk type='network'>" + source + "</disk></devices>"
}

// TestFingerprintPairs compares the fingerprints of documents that differ in one part.
func TestFingerprintPairs(t *testing.T) {
	differ := []struct{ path, was, is string }{
		{atCommand, args("-fw_cfg", "name=opt/a,string=x"), args("-fw_cfg", "name=opt/b,string=x")},
		{atCommand, args("-fw_cfg", "name=opt/a,string=x"), args("-fw_cfg", "name=opt/a,string=y")},
		{atCommand, args("-fw_cfg", "name=opt/a,file=/x"), args("-fw_cfg", "name=opt/a,file=/y")},
		{atCommand, args("-fw_cfg", "name=opt/a,file=/etc/keys/x"), args("-fw_cfg", "name=opt/a,file=/etc/keys/y")},
		{atCommand, args("-append", "root=/dev/vda"), args("-append", "root=/dev/vdb")},
		{atCommand, args("-append", "quiet"), args("-append", "debug")},
		{atCommand, args("-append", "password=x root=/dev/vda"), args("-append", "password=x root=/dev/vdb")},
		{atCommand, args("-append", "init=/bin/a"), args("-append", "init=/bin/a quiet")},
		{atCommand, args("-smbios", "type=1,serial=a"), args("-smbios", "type=1,serial=b")},
		{atCommand, args("-smbios", "type=11,value=a"), args("-smbios", "type=11,value=b")},
		{atCommand, args("-smbios", "type=11,value=io.systemd.credential:a=x"), args("-smbios", "type=11,value=io.systemd.credential:b=x")},
		{atCommand, args("-smbios", "file=/a"), args("-smbios", "file=/b")},
		{atCommand, args("-prom-env", "auto-boot?=true"), args("-prom-env", "auto-boot?=false")},
		{atCommand, args("-unknown", "a"), args("-unknown", "b")},
		{atCommand, args("-unknown", "a=1,b=2"), args("-unknown", "a=1,b=3")},
		{atCommand, args("-unknown", "path=/a"), args("-unknown", "path=/b")},
		{atCommand, args("-unknown"), args("-other")},
		{atCommand, args("word"), args("other")},
		{atCommand, args("/disk:1@a"), args("/disk:2@a")},
		{atCommand, args("nbd:host:10809@a"), args("nbd:host:10809@b")},
		{atCommand, args("-blockdev", `{"a":["x"]}`), args("-blockdev", `{"a":["y"]}`)},
		{atCommand, args("-blockdev", `{"a":["x","y"]}`), args("-blockdev", `{"a":["y","x"]}`)},
		{atCommand, args("-blockdev", `{"a":[{"key-secret":"s0","path":"/a"}]}`), args("-blockdev", `{"a":[{"key-secret":"s0","path":"/b"}]}`)},
		{atCommand, args("-blockdev", `{"user":"a"}`), args("-blockdev", `{"user":"b"}`)},
		{atCommand, args("-drive", "file=ssh://a:x@host/p"), args("-drive", "file=ssh://a:x@host/q")},
		{atCommand, args("-drive", "file=ssh://a:x@host/p"), args("-drive", "file=ssh://b:x@host/p")},
		{atCommand, args("-drive", "file=rbd:p/i:id=a:key=x:mon_host=m"), args("-drive", "file=rbd:p/i:id=a:key=x:mon_host=n")},
		{atCommand, args("-object", "secret,id=a,data=x"), args("-object", "secret,id=b,data=x")},
		{atCommand, args("-object", "secret,id=a,file=/x"), args("-object", "secret,id=a,file=/y")},
		{atCommand, args("-object", "tls-creds-x509,id=t,dir=/a"), args("-object", "tls-creds-x509,id=t,dir=/b")},
		{atCommand, args("-object", "{&apos;qom-type&apos;:&apos;secret&apos;,&apos;id&apos;:&apos;s&apos;}"), args("-object", "{&apos;qom-type&apos;:&apos;secret&apos;,&apos;id&apos;:&apos;t&apos;}")},
		{atCommand, args("-vnc", ":0,password=on"), args("-vnc", ":0,password=off")},
		{atCommand, args("-vnc", ":0,tls-creds=a"), args("-vnc", ":0,tls-creds=b")},
		{atCommand, args("-netdev", "user,id=n,hostfwd=tcp::22-:22"), args("-netdev", "user,id=n,hostfwd=tcp::23-:22")},
		{atCommand, args("-run-with", "user=a"), args("-run-with", "user=b")},
		{atCommand, args("-spice", "port=1,password=x"), args("-spice", "port=2,password=x")},
		{atCommand, args("-device", "a", "-device", "b"), args("-device", "b", "-device", "a")},
		{atSource, disk("<source protocol='rbd' name='p/i:id@a'/>"), disk("<source protocol='rbd' name='p/i:id@b'/>")},
		{atSource, disk("<source protocol='https' name='x' query='a=1&amp;token=x'/>"), disk("<source protocol='https' name='x' query='a=2&amp;token=x'/>")},
		{atSource, disk("<source protocol='ssh' name='/p/a:b@1'/>"), disk("<source protocol='ssh' name='/p/a:c@1'/>")},
		{"os/cmdline", "<os><cmdline>password=x root=/dev/vda</cmdline></os>", "<os><cmdline>password=x root=/dev/vdb</cmdline></os>"},
		{"sysinfo/oemStrings/entry", "<sysinfo type='smbios'><oemStrings><entry>a</entry></oemStrings></sysinfo>", "<sysinfo type='smbios'><oemStrings><entry>b</entry></oemStrings></sysinfo>"},
	}
	same := []struct{ path, was, is string }{
		{atCommand, args("-append", "password=x root=/dev/vda"), args("-append", "password=y root=/dev/vda")},
		{atCommand, args("-append", "systemd.set_credential=a:x"), args("-append", "systemd.set_credential=a:y")},
		{atCommand, args("-fw_cfg", "name=opt/password,string=x"), args("-fw_cfg", "name=opt/password,string=y")},
		{atCommand, args("-smbios", "type=11,value=io.systemd.credential:a=x"), args("-smbios", "type=11,value=io.systemd.credential:a=y")},
		{atCommand, args("-prom-env", "security-password=x"), args("-prom-env", "security-password=y")},
		{atCommand, args("-password", "x"), args("-password", "y")},
		{atCommand, args("-unknown", "password=x"), args("-unknown", "password=y")},
		{atCommand, args("-blockdev", `{"a":[{"password":"x"}]}`), args("-blockdev", `{"a":[{"password":"y"}]}`)},
		{atCommand, args("-blockdev", `{"cookies":["x"]}`), args("-blockdev", `{"cookies":["y"]}`)},
		{atCommand, args("-blockdev", `{"secret":{"a":"x"}}`), args("-blockdev", `{"secret":{"a":"y"}}`)},
		{atCommand, args("-object", `{"qom-type":"secret","id":"s","data":"x"}`), args("-object", `{"qom-type":"secret","id":"s","data":"y"}`)},
		{atCommand, args("-object", "{&apos;qom-type&apos;:&apos;secret&apos;,&apos;id&apos;:&apos;s&apos;,&apos;data&apos;:&apos;x&apos;}"), args("-object", "{&apos;qom-type&apos;:&apos;secret&apos;,&apos;id&apos;:&apos;s&apos;,&apos;data&apos;:&apos;y&apos;}")},
		{atCommand, args("-object", `{"qom-type":"secret","id":"s","data":"x"`), args("-object", `{"qom-type":"secret","id":"s","data":"y"`)},
		{atCommand, args("-blockdev", `{"a":1,"b":2}`), args("-blockdev", ` {"b":2,"a":1}`[1:])},
		{atCommand, args("-drive", "file=ssh://a:x@host/p"), args("-drive", "file=ssh://a:y@host/p")},
		{atCommand, args("-drive", "file=rbd:p/i:id=a:key=x:mon_host=m"), args("-drive", "file=rbd:p/i:id=a:key=y:mon_host=m")},
		{atCommand, args("-object", "secret,id=a,data=x"), args("-object", "secret,id=a,data=y")},
		{atCommand, args("-spice", "port=1,password=x"), args("-spice", "port=1,password=y")},
		{atCommand, args("ssh://a:x@host/p"), args("ssh://a:y@host/p")},
		{atSource, disk("<source protocol='https' name='x' query='a=1&amp;token=x'/>"), disk("<source query='a=1&amp;token=y' protocol='https' name='x'/>")},
		{atSource, disk("<source protocol='https' name='//u:x@h/p'/>"), disk("<source protocol='https' name='//u:y@h/p'/>")},
		{"os/cmdline", "<os><cmdline>password=x  quiet</cmdline></os>", "<os>\n<cmdline>password=y quiet</cmdline></os>"},
		{"passwd", "<passwd x='1'/>", "<passwd x='2'/>"},
		{"passwd", "<passwd>x</passwd>", "<passwd>y</passwd>"},
		{"unknown", "<unknown pswd='x'/>", "<unknown pswd='y'/>"},
		{"unknown", "<unknown auth='x'/>", "<unknown auth='y'/>"},
		{"unknown", "<unknown name='password' value='x'/>", "<unknown name='password' value='y'/>"},
	}
	one := func(path, text string) string {
		d, err := domxml.Load("x.xml", []byte("<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>a</name>"+text+"</domain>"))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		res := Run(d, &Settings{Rules: []*Rule{atPaths(path)}})
		return res.Fingerprint(&res.Findings[0])
	}
	for _, p := range differ {
		if one(p.path, p.was) == one(p.path, p.is) {
			t.Errorf("the same fingerprint:\n%s\n%s", p.was, p.is)
		}
	}
	for _, p := range same {
		if one(p.path, p.was) != one(p.path, p.is) {
			t.Errorf("not the same fingerprint:\n%s\n%s", p.was, p.is)
		}
	}
}
