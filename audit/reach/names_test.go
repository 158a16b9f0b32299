package reach

import (
	"testing"

	"github.com/virt-audit/virt-audit/audit/hostpath"
)

func TestParseHost(t *testing.T) {
	for _, c := range []struct {
		text, want      string
		loopback, every bool
	}{
		{"", "*", false, true},
		{"*", "*", false, false},
		{"0.0.0.0", "0.0.0.0", false, true},
		{"0", "0.0.0.0", false, true},
		{"::", "::", false, true},
		{"[::]", "::", false, true},
		{"::ffff:0.0.0.0", "0.0.0.0", false, true},
		{"::FFFF:127.0.0.1", "127.0.0.1", true, false},
		{"127.0.0.1", "127.0.0.1", true, false},
		{"127.1", "127.0.0.1", true, false},
		{"0x7f.1", "127.0.0.1", true, false},
		{"0177.0.0.1", "127.0.0.1", true, false},
		{"2130706433", "127.0.0.1", true, false},
		{"127.255.255.254", "127.255.255.254", true, false},
		{"128.0.0.1", "128.0.0.1", false, false},
		{"::1", "::1", true, false},
		{"::2", "::2", false, false},
		{"127.0.0.999", "127.0.0.999", false, false},
		{"127.0.0.1.example.org", "127.0.0.1.example.org", false, false},
		{"127.0.0.08", "127.0.0.08", false, false},
		{"0b1", "0b1", false, false},
		{"1_0", "1_0", false, false},
		{"localhost", "localhost", false, false},
		{"LocalHost.", "localhost", false, false},
		{"localhost4", "localhost4", false, false},
		{"fe80::1%eth0", "fe80::1%eth0", false, false},
	} {
		h := ParseHost(c.text)
		if h.String() != c.want || h.Loopback() != c.loopback || h.Every() != c.every {
			t.Errorf("ParseHost(%q) = %q, loopback %v, every %v", c.text, h, h.Loopback(), h.Every())
		}
	}
}

// FuzzNames holds that a normal form has a normal form of its own: itself.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "/", "../a//b/.", "/var/run/x", "/proc/self/root/proc/1/cwd", "/dev/fd/../fd/1", "[::ffff:1.2.3.4]", "0x7f.1", "@a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if once := hostpath.Opened(name); hostpath.Opened(once) != once {
			t.Errorf("hostpath.Opened(%q) = %q, whose form is %q", name, once, hostpath.Opened(once))
		}
		if once := SocketPath(name); SocketPath(once) != once {
			t.Errorf("SocketPath(%q) = %q, whose form is %q", name, once, SocketPath(once))
		}
		if once := ParseHost(name).String(); ParseHost(once).String() != once {
			t.Errorf("ParseHost(%q) = %q, whose form is %q", name, once, ParseHost(once))
		}
	})
}
