package reach

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit/domxml"
)

// load reads a domain with some devices and, after "|", some arguments for QEMU.
func load(tb testing.TB, devices string, words ...string) *domxml.Domain {
	tb.Helper()
	var b strings.Builder
	b.WriteString(`<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>web</name>
<uuid>11111111-2222-4333-8444-555555555555</uuid><os><type>hvm</type></os><devices>` + devices + `</devices><qemu:commandline>`)
	for _, word := range words {
		b.WriteString("<qemu:arg value='")
		if err := xml.EscapeText(&b, []byte(word)); err != nil {
			tb.Fatal(err)
		}
		b.WriteString("'/>")
	}
	b.WriteString(`</qemu:commandline></domain>`)
	d, err := domxml.Load("test.xml", []byte(b.String()))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// lines writes resources as tests compare them: "file /etc/shadow [read]".
func lines(resources []Resource) []string {
	var out []string
	for _, r := range resources {
		out = append(out, r.Kind.String()+" "+r.Name+" ["+r.Access.String()+"]")
	}
	return out
}

// TestCommand holds what each form of QEMU's command line is read as. An argument is split at the
// first blank.
func TestCommand(t *testing.T) {
	for _, c := range []struct{ argument, want string }{
		{"/var/run/x.img", "file /run/x.img [read, write]"},
		{"-drive file=etc/shadow,format=raw,readonly=on", "file /etc/shadow [read]"},
		{"-drive file=/x,,y,if=none", "file /x,y [read, write]"},
		{"-drive file.driver=file,file.filename=/a,id=d", "file /a [read, write]"},
		{"-drive driver=raw,file.file.driver=host_device,file.file.filename=/dev/sda", "block device /dev/sda [read, write, whole device]"},
		{`-drive file=json:{"driver":"raw",,"file":{"driver":"file",,"filename":"/a"}}`, "file /a [read, write]"},
		{`-blockdev {"driver":"qcow2","node-name":"n","file":{'driver':'file','filename':'/a','read-only':true}}`, "file /a [read]"},
		{"-blockdev driver=nbd,node-name=n,server.type=unix,server.path=/s,export=e", "network storage nbd://[/s]/e [read, write]; UNIX socket /s [connect]"},
		{"-blockdev driver=nbd,node-name=n,server.type=inet,server.host=::1,server.port=1", "network storage nbd://[::1]:1 [read, write]; network endpoint tcp://[::1]:1 [connect]"},
		{"-blockdev driver=raw,node-name=n,file=other", ""},
		{"-hda /dev/sda", "block device /dev/sda [read, write, whole device]"},
		{"-hda /dev/fdset/3", "file descriptor /dev/fdset/3 [read, write]"},
		{"-cdrom nbd:unix:/s:exportname=e", "network storage nbd://[/s]/e [read]; UNIX socket /s [connect]"},
		{"-cdrom nbd:h:1:exportname=e", "network storage nbd://h:1/e [read]; network endpoint tcp://h:1 [connect]"},
		{"-cdrom https://u:p@h/x.iso?token=t", "network storage https://h:443/x.iso [read]; network endpoint tcp://h:443 [connect]"},
		{"-hda ssh://h/x", "network storage ssh://h:22/x [read, write]; network endpoint tcp://h:22 [connect]"},
		{"-hda iscsi://h/iqn/0", "network storage iscsi://h:3260/iqn/0 [read, write]; network endpoint tcp://h:3260 [connect]"},
		{"-hda gluster+unix:///v/x?socket=/s", "network storage gluster://[/s]/v/x [read, write]; UNIX socket /s [connect]"},
		{"-hda rbd:pool/img:conf=/c", "network storage rbd:///pool/img [read, write]; file /c [read]"},
		{`-hda rbd:p/i@s:id=a:mon_host=B\:1\;a`, "network storage rbd://a:6789,b:1/p/i@s [read, write]; network endpoint tcp://a:6789 [connect]; network endpoint tcp://b:1 [connect]"},
		{"-blockdev driver=rbd,node-name=n,pool=p,image=i,server.0.host=b,server.0.port=1,server.1.host=a", "network storage rbd://a:6789,b:1/p/i [read, write]; network endpoint tcp://b:1 [connect]; network endpoint tcp://a [connect]"},
		{"-blockdev driver=iscsi,node-name=n,transport=tcp,portal=h,target=iqn", "network endpoint tcp://h:3260 [connect]; network storage iscsi://h:3260/iqn/0 [read, write]"},
		{"-blockdev driver=qcow2,node-name=n,file.driver=file,file.filename=/a,backing.file.filename=/b", "file /a [read, write]; file /b [read]"},
		{"-drive file=/a,snapshot=on", "file /a [read]"},
		{"-hda /dev/vg-a/b", "block device /dev/mapper/vg--a-b [read, write, whole device]"},
		{"-hda fat:floppy:rw:/d", "directory /d [read, write]"},
		{"-hda fat:/d", "directory /d [read]"},
		{"-hda blkdebug:/c:/x", "file /c [read]; file /x [read, write]"},
		{"-hda nvme://01:00.0/1", "PCI device 0000:01:00.0 [whole device]"},
		{"-hda nosuch:x", "unknown -hda []"},
		{"-hda ./a:b", "file /a:b [read, write]"},
		{"-chardev socket,id=c,path=/s", "UNIX socket /s [connect]"},
		{"-chardev socket,id=c,path=/s,server=on", "UNIX socket /s [create, listen]"},
		{"-chardev socket,id=c,path=s,abstract=on", "UNIX socket @s [connect]"},
		{"-chardev socket,id=c,port=1,server=on", "network endpoint tcp://*:1 [listen]"},
		{"-chardev socket,id=c,host=h,port=1", "network endpoint tcp://h:1 [connect]"},
		{"-chardev udp,id=c,host=h,port=1,localport=2", "network endpoint udp://h:1 [connect]; network endpoint udp://*:2 [listen]"},
		{"-chardev file,id=c,path=/a,append=on", "file /a [write]"},
		{"-chardev file,id=c,path=/a,input-path=/b", "file /a [write, create]; file /b [read]"},
		{"-chardev null,id=c,logfile=/a", "file /a [write, create]"},
		{"-chardev null,id=c", ""},
		{"-chardev serial,id=c,path=/dev/ttyS0", "character device /dev/ttyS0 [read, write, whole device]"},
		{"-serial tcp::4444,server=on", "network endpoint tcp://*:4444 [listen]"},
		{"-serial tcp:h:4444", "network endpoint tcp://h:4444 [connect]"},
		{"-serial unix:/s,server,nowait", "UNIX socket /s [create, listen]"},
		{"-serial unix:/s,server=off", "UNIX socket /s [connect]"},
		{"-serial udp:h:1@:2", "network endpoint udp://h:1 [connect]; network endpoint udp://*:2 [listen]"},
		{"-serial file:/a", "file /a [write, create]"},
		{"-serial mon:stdio", ""},
		{"-serial chardev:c", ""},
		{"-monitor telnet:127.0.0.1:1,server=on", "network endpoint tcp://127.0.0.1:1 [listen]"},
		{"-gdb tcp::1234", "network endpoint tcp://*:1234 [listen]"},
		{"-qmp unix:/s,server=on", "UNIX socket /s [create, listen]"},
		{"-netdev tap,id=n,script=/s,downscript=no", "executable /s [execute]; executable /no [execute]"},
		{"-netdev tap,id=n,ifname=t0,br=b", "host interface t0 [create]; bridge b [connect]"},
		{"-netdev user,id=n,hostfwd=tcp:127.0.0.1:2222-:22", "network endpoint tcp://127.0.0.1:2222 [listen]"},
		{"-netdev user,id=n,hostfwd=udp::53-:53", "network endpoint udp://*:53 [listen]"},
		{"-netdev user,id=n,guestfwd=tcp:10.0.2.100:1-cmd:/bin/x y", "executable /bin/x [execute]"},
		{"-netdev user,id=n,guestfwd=tcp:10.0.2.100:1-unix:/run/docker.sock", "UNIX socket /run/docker.sock [connect]"},
		{"-netdev user,id=n,smb=/d,tftp=/e", "directory /d [read, write]; directory /e [read]"},
		{"-netdev socket,id=n,listen=:1", "network endpoint tcp://*:1 [listen]"},
		{`-netdev {"type":"stream","id":"n","server":true,"addr":{"type":"unix","path":"/s"}}`, "UNIX socket /s [create, listen]"},
		{"-netdev dgram,id=n,local.type=inet,local.host=h,local.port=1", "network endpoint udp://h:1 [listen]"},
		{"-netdev vhost-vdpa,id=n,vhostdev=/dev/vhost-vdpa-0", "vDPA device /dev/vhost-vdpa-0 [whole device]"},
		{"-object memory-backend-file,id=m,mem-path=/a,size=1M,readonly=on", "file /a [read]"},
		{"-object memory-backend-file,id=m,mem-path=/a,size=1M,share=on", "file /a [read, write, create]"},
		{"-object memory-backend-file,id=m,mem-path=/a,size=1M", "file /a [read, create]"},
		{"-object rng-random,id=r,filename=/a", "file /a [read]"},
		{"-object secret,id=s,data=x", ""},
		{"-object secret,id=s,file=/a", "file /a [read]"},
		{"-object filter-dump,id=f,netdev=n,file=/a", "file /a [write, create]"},
		{"-object nosuch,id=f,odd=/a", "unknown -object odd []"},
		{"-device vfio-pci,host=01:00.0,bus=pci.0", "PCI device 0000:01:00.0 [whole device]"},
		{"-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/x", "file /sys/bus/mdev/devices/x [read, write, whole device]"},
		{"-device vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:0A:00.1", "file /sys/bus/pci/devices/0000:0A:00.1 [read, write, whole device]; PCI device 0000:0a:00.1 [whole device]"},
		{
			"-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/C2177883-f1bb-47f0-914d-32a22e3a8804",
			"file /sys/bus/mdev/devices/C2177883-f1bb-47f0-914d-32a22e3a8804 [read, write, whole device]; mediated device c2177883-f1bb-47f0-914d-32a22e3a8804 [whole device]",
		},
		{"-device usb-host,hostbus=1,hostaddr=2", "USB device 001:002 [whole device]"},
		{"-device usb-host,vendorid=0x46d,productid=0xc31c", "USB device 046d:c31c [whole device]"},
		{"-device usb-mtp,rootdir=/d,readonly=false", "directory /d [read, write]"},
		{"-device usb-kbd,pcap=/a", "file /a [write, create]"},
		{"-device e1000,romfile=/a,mac=52:54:00:00:00:01", "file /a [read]"},
		{"-device e1000,nosuch=/a", "unknown -device nosuch []"},
		{"-device nosuch", "unknown -device nosuch []"},
		{"-device nvme,serial=x,drive=d", ""},
		{"-device loader,file=/a,addr=0", "file /a [read]"},
		{"-global e1000.romfile=/a", "file /a [read]"},
		{"-global driver=e1000,property=romfile,value=/a", "file /a [read]"},
		{"-global e1000.mitigation=off", ""},
		{"-set drive.d.file=/a", "file /a [read, write]"},
		{"-set chardev.c.path=/a", "file /a [write, create]"}, // the worst that it can be: no such option is there
		{"-vnc :1,to=5", "network endpoint tcp://*:5901 [listen]"},
		{"-vnc 127.0.0.1:1,websocket=on", "network endpoint tcp://127.0.0.1:5901 [listen]; network endpoint tcp://127.0.0.1:5701 [listen]"},
		{"-sandbox on,spawn=allow", "host setting sandbox enable=on [execute]; host setting sandbox spawn=allow [execute]"},
		{"-vnc h:5500,reverse=on", "network endpoint tcp://h:5500 [connect]"},
		{"-vnc unix:/s", "UNIX socket /s [create, listen]"},
		{"-vnc none", ""},
		{"-display vnc=:0", "network endpoint tcp://*:5900 [listen]"},
		{"-display dbus,addr=unix:path=/s", "D-Bus unix:path=/s [connect]"},
		{"-spice port=5900,addr=127.0.0.1,disable-ticketing=on", "network endpoint tcp://127.0.0.1:5900 [listen]"},
		{"-spice unix=on,addr=/s", "UNIX socket /s [create, listen]"},
		{"-audiodev wav,id=a,path=/a", "file /a [write, create]"},
		{"-audiodev alsa,id=a,out.dev=file:'|touch x'", "executable touch x [execute]"},
		{"-audiodev none,id=a,timer-period=1", ""},
		{"-tpmdev passthrough,id=t,path=/dev/tpm0,cancel-path=/a", "character device /dev/tpm0 [whole device]; file /a [write]"},
		{"-virtfs local,path=/d,mount_tag=t,security_model=none,readonly=on", "directory /d [read]"},
		{"-fsdev local,id=f,path=/d,security_model=none", "directory /d [read, write]"},
		{"-fw_cfg name=opt/a,file=/a", "file /a [read]"},
		{"-fw_cfg name=opt/a,string=/a", ""},
		{"-acpitable sig=X,data=/a:/b", "file /a [read]; file /b [read]"},
		{"-smbios type=11,path=/a", "file /a [read]"},
		{"-smbios type=1,serial=x", ""},
		{"-D /a", "file /a [write, create]"},
		{"-trace events=/a,file=/b", "file /a [read]; file /b [write, create]"},
		{"-pidfile /a", "file /a [write, create]"},
		{"-readconfig /a", "file /a [read]"},
		{"-plugin /a.so", "executable /a.so [execute]"},
		{"-incoming tcp:0:4444", "network endpoint tcp://0.0.0.0:4444 [listen]"},
		{"-incoming defer", ""},
		{"-incoming exec:x", "executable /bin/sh [execute]"},
		{`-incoming {"channel-type":"main","addr":{"transport":"socket","type":"unix","path":"/s"}}`, "UNIX socket /s [create, listen]"},
		{"-machine q35,kernel=/a,vmport=off", "file /a [read]"},
		{"-M q35", ""},
		{"-initrd /a", "file /a [read]"},
		{"-bios a.bin", "file /a.bin [read]"},
		{"-cpu host,+vmx", ""},
		{"-nosuch x", "unknown -nosuch []"},
		{"-s", "network endpoint tcp://*:1234 [listen]"},
		{"-chroot /d", "directory /d [read]"},
	} {
		got := strings.Join(lines(Of(load(t, "", strings.SplitN(c.argument, " ", 2)...))), "; ")
		if got != c.want {
			t.Errorf("%s\n\tis %s\n\twant %s", c.argument, got, c.want)
		}
	}
}

// TestSet holds that -set changes the option that has the id.
func TestSet(t *testing.T) {
	got := lines(Of(load(t, "", "-chardev", "socket,id=c,path=/a", "-set", "chardev.c.path=/b", "-set", "chardev.c.logfile=/c")))
	want := []string{"UNIX socket /a [connect]", "UNIX socket /b [connect]", "file /c [write, create]"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
