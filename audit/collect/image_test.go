package collect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/virt-audit/virt-audit/audit"
)

const guestXML = "<domain type='kvm'><name>web</name></domain>\n"

// image builds a save image as libvirt's driver for QEMU writes one.
func image(order binary.ByteOrder, version, all, cookie uint32, body string) []byte {
	head := make([]byte, 92)
	copy(head, qemuMagic)
	for i, n := range []uint32{version, all, 1, 0, cookie} {
		order.PutUint32(head[16+4*i:], n)
	}
	return append(head, body...)
}

// qemuImage is a valid image: XML, cookie, padding, memory.
func qemuImage(order binary.ByteOrder, xml string) []byte {
	const cookie = "<cookie/>\x00"
	body := xml + "\x00" + cookie + strings.Repeat("\x00", qemuPadding) + "QEVM\x01\x02memory"
	return image(order, 2, uint32(len(xml)+1+len(cookie)+qemuPadding), uint32(len(xml)+1), body)
}

// otherImage is one of the drivers for Xen, or with version 0 of Cloud Hypervisor.
func otherImage(order binary.ByteOrder, version uint32, body string) []byte {
	head := make([]byte, 64)
	copy(head, otherMagic)
	at := 16
	if version > 0 {
		order.PutUint32(head[at:], version)
		at += 4
	}
	order.PutUint32(head[at:], uint32(len(guestXML)+1))
	return append(head, body...)
}

func TestImage(t *testing.T) {
	n := uint32(len(guestXML) + 1)
	for name, tt := range map[string]struct {
		data    []byte
		secrets bool
	}{
		"little endian":                {qemuImage(binary.LittleEndian, guestXML), true},
		"big endian":                   {qemuImage(binary.BigEndian, guestXML), true},
		"without a cookie":             {image(binary.LittleEndian, 2, n+qemuPadding, 0, guestXML+strings.Repeat("\x00", qemuPadding+1)), true},
		"Xen":                          {otherImage(binary.LittleEndian, 2, guestXML+"\x00LibxlFmt"), false},
		"Cloud Hypervisor":             {otherImage(binary.LittleEndian, 0, guestXML+"\x00"), false},
		"Cloud Hypervisor, big endian": {otherImage(binary.BigEndian, 0, guestXML+"\x00"), false},
	} {
		t.Run(name, func(t *testing.T) {
			plant(t)
			check(t, os.WriteFile("whatever", tt.data, 0o600))
			for _, arg := range []string{"whatever", "-"} {
				for d, err := range Find([]string{arg}, Options{Stdin: bytes.NewReader(tt.data), MaxSize: int64(len(guestXML))}) {
					check(t, err)
					got, err := d.Read()
					check(t, err)
					if string(got) != guestXML {
						t.Errorf("%s: got %q", arg, got)
					}
					if o := d.Origin; o.Kind != audit.Saved || !o.Stated || o.Secrets != tt.secrets {
						t.Errorf("%s: origin %+v", arg, o)
					}
				}
			}
		})
	}
}

func TestImageRefused(t *testing.T) {
	good := qemuImage(binary.LittleEndian, guestXML)
	n := uint32(len(guestXML) + 1)
	le := binary.LittleEndian
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"incomplete":           {append([]byte(partialMagic), good[16:]...), "incomplete save image: libvirt did not finish"},
		"header cut":           {good[:40], "truncated save image: its header is incomplete"},
		"header cut late":      {good[:91], "truncated save image: its header is incomplete"},
		"magic alone":          {good[:16], "truncated save image: its header is incomplete"},
		"XML cut":              {good[:92+20], "truncated save image: its XML ends after 20 bytes of 46"},
		"no XML":               {good[:92], "truncated save image: its XML ends after 0 bytes of 46"},
		"version 1":            {image(le, 1, n, 0, guestXML+"\x00"), "unsupported save image: version 1,"},
		"version 3":            {image(le, 3, n, 0, guestXML+"\x00"), "unsupported save image: version 3,"},
		"empty":                {image(le, 2, 0, 0, ""), "malformed save image: its header gives the XML no space"},
		"cookie outside":       {image(le, 2, n, n+1, guestXML+"\x00\x00"), "malformed save image: its header puts the cookie"},
		"no NUL":               {image(le, 2, n-1, 0, guestXML+"QEVM"), "malformed save image: no NUL after its XML"},
		"no NUL before cookie": {image(le, 2, n+5, n-1, guestXML+"<c/>\x00"), "malformed save image: no NUL after its XML"},
		"oversized":            {image(le, 2, 1<<31, 0, guestXML), "the header of the save image: too large: 2147483648 bytes (2 GiB), more than the limit"},
		"length in the other byte order": {
			image(le, 2, n<<24, 0, guestXML), "the header of the save image: too large",
		},
		"XML too large":  {qemuImage(le, strings.Repeat("x", int(DefaultMaxSize)+1)), "too large: 16777217 bytes"},
		"Xen, version 9": {otherImage(le, 9, guestXML+"\x00"), "unsupported save image: version 9,"},
		"Xen, cut":       {otherImage(le, 2, "<domain"), "truncated save image: its XML"},
	} {
		t.Run(name, func(t *testing.T) {
			plant(t)
			check(t, os.WriteFile("web.save", tt.data, 0o600))
			for _, arg := range []string{"web.save", ".", "-"} {
				_, err := read(t, arg, Options{Stdin: bytes.NewReader(tt.data), StdinName: "web.save"})
				if p, ok := errors.AsType[*Problem](err); !ok || !strings.HasPrefix(p.Err.Error(), tt.want) || p.Source != "web.save" {
					t.Errorf("%s: %v, want %s", arg, err, tt.want)
				}
			}
		})
	}
}

// A sparse file of a terabyte represents an image with much memory in it.
func TestImageOfAnySize(t *testing.T) {
	plant(t)
	check(t, os.WriteFile("big.save", qemuImage(binary.LittleEndian, guestXML), 0o600))
	check(t, os.Truncate("big.save", 1<<40))
	got, err := read(t, "big.save", Options{})
	check(t, err)
	if string(got) != guestXML {
		t.Errorf("got %q", got)
	}
}

func TestImagesInTrees(t *testing.T) {
	plant(t, "save/editor.save", "save/web.xml", "save/save.save/x.xml", "save/img", "save/link.save -> ../away")
	check(t, os.WriteFile("save/db.save", qemuImage(binary.LittleEndian, guestXML), 0o600))
	check(t, os.WriteFile("away", qemuImage(binary.LittleEndian, guestXML), 0o600))
	check(t, os.WriteFile("save/img", qemuImage(binary.LittleEndian, guestXML), 0o600))
	got := collected(t, []string{"save"}, Options{})
	want := []string{"save/db.save = " + guestXML, "save/save.save/x.xml", "save/web.xml", "save/link.save = " + guestXML}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestHostDirsOfStates(t *testing.T) {
	root := plant(t, "run/libvirt/qemu/", "run/libvirt/ch/", "run/libvirt/network/", "var/lib/libvirt/qemu/save/",
		"var/lib/libvirt/qemu/snapshot/", "var/lib/libvirt/qemu/nvram/", "run/user/libvirt/qemu/run/", "etc/libvirt/lxc/")
	got := hostDirs(root, func(key string) string {
		return map[string]string{"XDG_RUNTIME_DIR": filepath.Join(root, "run/user")}[key]
	})
	want := []string{"etc/libvirt/lxc", "run/libvirt/qemu", "run/libvirt/ch", "run/user/libvirt/qemu/run", "var/lib/libvirt/qemu/save", "var/lib/libvirt/qemu/snapshot"}
	for i, dir := range want {
		want[i] = filepath.Join(root, dir)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// FuzzImage reads arbitrary bytes as a save image. The result must be a part of the bytes, without
// a NUL, or an error.
func FuzzImage(f *testing.F) {
	f.Add(qemuImage(binary.LittleEndian, guestXML)[:300])
	f.Add(qemuImage(binary.BigEndian, guestXML)[:300])
	f.Add(image(binary.LittleEndian, 2, 60, 0, guestXML+"\x00"))
	f.Add(otherImage(binary.LittleEndian, 2, guestXML+"\x00"))
	f.Add([]byte(partialMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, limit := range []int64{10, DefaultMaxSize, math.MaxInt64} {
			c, err := readImage(bytes.NewReader(data), limit)
			switch {
			case err != nil && (c.data != nil || errors.Is(err, fs.ErrNotExist)):
				t.Fatalf("%q with %v", c.data, err)
			case err == nil && (int64(len(c.data)) > limit || bytes.IndexByte(c.data, 0) >= 0 || !bytes.Contains(data[64:], c.data)):
				t.Fatalf("%q of %q", c.data, data)
			case err == nil && !isImage(data):
				t.Fatal("bytes that are not a save image are read as one")
			}
		}
	})
}
