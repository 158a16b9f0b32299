package host_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/virt-audit/virt-audit/audit/host"
	"github.com/virt-audit/virt-audit/testdata/need"
)

func conf(t *testing.T, text string) *host.QEMUConf {
	t.Helper()
	c, err := host.ParseQEMUConf("/etc/libvirt/qemu.conf", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// syntax are documents with the error of ParseQEMUConf, or "". TestAsLibvirt parses the same
// documents with libvirt.
var syntax = []struct{ name, text, err string }{
	{"empty", "", ""},
	{"comment", "# nothing\n", ""},
	{"comment without a new line", "# nothing", ""},
	{"indented comment", "\n\n  \t# nothing\n\n", ""},
	{"only white space", "\n", "2: expected the name of a setting"},
	{"only blanks", "  ", "1: expected the name of a setting"},
	{"double quotes", `a = "x # y ; 'z'"`, ""},
	{"single quotes", `a = 'x "y"'`, ""},
	{"no blanks", "a=1", ""},
	{"tabs", "\ta\t=\t1\t", ""},
	{"comment after a value", "a = 1 # one\nb = 2", ""},
	{"semicolon", "a = 1; b = 2 ;\n\nc = 3;", ""},
	{"two semicolons", "a = 1;;", "1: expected the name of a setting"},
	{"semicolon on a new line", "a = 1;\n;b = 2", "2: expected the name of a setting"},
	{"carriage returns", "a = 1\r\nb = [\r\n1,\r\n2\r\n]\r\n", ""},
	{"old Mac", "a = 1\rb = 2\r", ""},
	{"line after carriage returns", "a = 1\r\nb = 2\r\nc\r\n", "3: expected '=' after the name of a setting"},
	{"signs", "a = -1\nb = +1", ""},
	{"sign alone", "a = -\n", "1: expected a digit after the sign"},
	{"two signs", "a = --1", "1: expected a digit after the sign"},
	{"large number", "a = 99999999999999999999", ""},
	{"hexadecimal", "a = 0x10", "1: expected a new line or ';' after the value"},
	{"fraction", "a = 1.5", "1: expected a new line or ';' after the value"},
	{"two numbers", "a = 1 2", "1: expected a new line or ';' after the value"},
	{"bare word", "\na = yes", "2: expected a value: a string in quotes, a number or a list"},
	{"no value", "a =\nb = 1", "1: expected a value: a string in quotes, a number or a list"},
	{"no value at the end", "a = ", "1: expected a value: a string in quotes, a number or a list"},
	{"value on the next line", "a =\n1", "1: expected a value: a string in quotes, a number or a list"},
	{"no assignment", "a\n", "1: expected '=' after the name of a setting"},
	{"colon", "a: 1", "1: expected '=' after the name of a setting"},
	{"dash in the name", "a-b = 1", "1: expected '=' after the name of a setting"},
	{"underscore first", "_a = 1", "1: expected the name of a setting"},
	{"digit first", "1a = 1", "1: expected the name of a setting"},
	{"digits and underscores", "a_1_B = 1", ""},
	{"byte order mark", "\ufeffa = 1", "1: expected the name of a setting"},
	{"section", "[qemu]\na = 1", "1: expected the name of a setting"},
	{"string without end", "a = \"x\nb = 1", "1: the string has no end"},
	{"string without end at the end", "a = 'x", "1: the string has no end"},
	{"lone quote", "a = \"", "1: the string has no end"},
	{"mixed quotes", "a = \"x'\n", "1: the string has no end"},
	{"backslash", `a = "x\"`, ""},
	{"empty string", `a = ""` + "\n" + `b = ''`, ""},
	{"three quotes", "a = \"\"\"x\n\"y\" # z\n\"\"\"\nb", "4: expected '=' after the name of a setting"},
	{"three quotes without end", "a = \"\"\"x\ny\n\n", "2: the string has no end"},
	{"three quotes, almost an end", "a = \"\"\"x\ny\n\"\"", "3: the string has no end"},
	{"three and three quotes", `a = """"""` + "\n", ""},
	{"three and three quotes at the end", `a = """"""`, "1: expected a new line or ';' after the value"},
	{"three single quotes", "a = '''x'''", "1: expected a new line or ';' after the value"},
	{"four quotes", `a = """"x"""` + "\n", ""},
	{"list", `a = [ "x", 'y', 1 ]`, ""},
	{"empty list", "a = []\nb = [ ]\nc = [\n\n]", ""},
	{"list over lines", "a = [\n  \"x\",\n\n  \"y\",\n]\nb = 1", ""},
	{"comment in a list", "a = [\n\"x\", # one\n\"y\" ]", "2: expected a value: a string in quotes, a number or a list"},
	{"comment before a comma", "a = [\n\"x\" # one\n, \"y\" ]", "2: expected ',' between the items of a list"},
	{"comma alone", "a = [,]", "1: expected a value: a string in quotes, a number or a list"},
	{"two commas", "a = [1,,2]", "1: expected a value: a string in quotes, a number or a list"},
	{"no comma", "a = [1 2]", "1: expected ',' between the items of a list"},
	{"list without end", "a = [1,\n2\n\n", "4: the list has no end: ']' is missing"},
	{"list without end, comma", "a = [1,\n", "2: expected a value: a string in quotes, a number or a list"},
	{"list without anything", "a = [", "1: the list has no end: ']' is missing"},
	{"lists in lists", "a = [[1],[\"x\",[]]]", ""},
	{"wrong bracket", "a = [1)", "1: expected ',' between the items of a list"},
	{"no UTF-8", "a = \"\xff\xfe\" # \xff", ""},
	{"control characters", "a = \"\x01\x7f\"", ""},
	{"form feed", "a = 1\f\n", "1: expected a new line or ';' after the value"},
	{"NUL in a string", "a = \"x\x00y\"\n", ""},
	{"NUL after a value", "a = 1\x00", "1: expected a new line or ';' after the value"},
}

func TestSyntax(t *testing.T) {
	for _, tt := range syntax {
		t.Run(tt.name, func(t *testing.T) {
			_, err := host.ParseQEMUConf("dir/qemu.conf", []byte(tt.text))
			if got := message(err); got != prefixed("dir/qemu.conf:", tt.err) {
				t.Errorf("got %q, want %q", got, tt.err)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// TestAsLibvirt parses the same documents with libvirt: virsh reads libvirt.conf with the same code
// as the daemon its qemu.conf. ParseQEMUConf must refuse what libvirt refuses, on the same line,
// and accept the rest.
func TestAsLibvirt(t *testing.T) {
	need.Programs(t, "virsh")
	dir := t.TempDir()
	file := filepath.Join(dir, "libvirt", "libvirt.conf")
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err) // so that another user can search it
		}
	}
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	where := regexp.MustCompile(`configuration file syntax error: ` + regexp.QuoteMeta(file) + `:(\d+): `)
	ask := func(t *testing.T, text string) (uri, line string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("virsh", "-q", "uri")
		cmd.Env = []string{"LC_ALL=C", "HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_CACHE_HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}
		if os.Getuid() == 0 { // for root, the path of the file is fixed
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := cmd.CombinedOutput()
		if m := where.FindSubmatch(out); m != nil {
			return "", string(m[1])
		}
		if err != nil {
			t.Fatalf("virsh: %v: %s", err, out)
		}
		return strings.TrimSpace(string(out)), ""
	}
	for _, tt := range syntax {
		t.Run(tt.name, func(t *testing.T) {
			// The setting in front lets virsh find a driver. It has a line of its own: the numbers
			// are one off, and a document that is empty without it is not.
			const front = "uri_default = 'test:///default'\n"
			text := front + tt.text
			_, err := host.ParseQEMUConf("x", []byte(text))
			want := ""
			if err != nil {
				want = strings.Split(err.Error(), ":")[1]
			}
			if _, line := ask(t, text); line != want {
				t.Errorf("libvirt's error is on line %q, ours is %q", line, message(err))
			}
		})
	}
	t.Run("the first wins", func(t *testing.T) {
		if uri, _ := ask(t, "uri_default = 'test:///default'\nuri_default = 'test:///other'\n"); uri != "test:///default" {
			t.Errorf("libvirt used %s", uri)
		}
	})
	t.Run("white space alone", func(t *testing.T) {
		if _, line := ask(t, "\n"); line != "2" {
			t.Errorf("libvirt's error is on line %q", line)
		}
	})
}

func TestSizeAndDepth(t *testing.T) {
	_, err := host.ParseQEMUConf("f", bytes.Repeat([]byte("#"), 11<<20))
	if got := message(err); got != "f:1: more than the 10485760 bytes that libvirt reads" {
		t.Error(got)
	}
	_, err = host.ParseQEMUConf("f", []byte("a = "+strings.Repeat("[", 1<<20)))
	if got := message(err); got != "f:1: lists are nested too deep: no setting has such a value" {
		t.Error(got)
	}
}

func TestTypes(t *testing.T) {
	for _, tt := range []struct{ text, err string }{
		{"vnc_tls = 1", ""},
		{"vnc_tls = +0", ""},
		{"\nvnc_tls = 2", "2: vnc_tls: must be 0 or 1"},
		{"vnc_tls = -1", "1: vnc_tls: must be 0 or 1"},
		{"vnc_tls = -0", "1: vnc_tls: must be 0 or 1"},
		{`vnc_tls = "1"`, "1: vnc_tls: must be 0 or 1"},
		{"vnc_listen = 1", "1: vnc_listen: must be a string"},
		{`vnc_listen = ["::"]`, "1: vnc_listen: must be a string"},
		{"vnc_password = 12345678", "1: vnc_password: must be a string"},
		{`max_queued = "1"`, "1: max_queued: must be a number"},
		{"keepalive_interval = -1", ""},
		{"max_queued = 4294967296", "1: max_queued: the number is out of range"},
		{`max_core = "unlimited"`, ""},
		{"max_core = 99999999999", ""},
		{`max_core = "none"`, `1: max_core: must be a number of bytes or "unlimited"`},
		{"max_core = -1", `1: max_core: must be a number of bytes or "unlimited"`},
		{"max_core = []", `1: max_core: must be a number of bytes or "unlimited"`},
		{`namespaces = "mount"`, "1: namespaces: must be a list of strings"},
		{"namespaces = [1]", "1: namespaces: must be a list of strings"},
		{`namespaces = [["mount"]]`, "1: namespaces: must be a list of strings"},
		{`security_driver = "selinux"`, ""},
		{`security_driver = ["selinux", "apparmor"]`, ""},
		{"security_driver = 1", "1: security_driver: must be a list of strings"},
		{"security_driver = [1]", "1: security_driver: must be a list of strings"},
		{"no_such_setting = [[]]", ""},
		// Python's booleans are not valid.
		{"vnc_tls = True", "1: expected a value: a string in quotes, a number or a list"},
	} {
		_, err := host.ParseQEMUConf("f", []byte(tt.text))
		if got := message(err); got != prefixed("f:", tt.err) {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.err)
		}
	}
}

func TestSettings(t *testing.T) {
	c := conf(t, `# vnc_listen = "::"
vnc_listen = "0.0.0.0"
vnc_listen = "10.0.0.1"
vnc_auto_unix_socket = 1
vnc_tls=1; spice_tls = 0
security_driver = 'selinux'
namespaces = [
  "mount",
]
cgroup_device_acl = [ ]
vnc_password = "hunter2"
spice_password = ""
seccomp_sandbox = -1
max_core = 4096
unknown = 1
user = "x`+"\x00"+`y"
`)
	if s := c.String("vnc_listen"); s.Value != "0.0.0.0" || !s.Set || s.Line != 2 || s.Where() != "qemu.conf:2 vnc_listen" {
		t.Errorf("%+v", s)
	}
	if s := c.String("spice_listen"); s.Value != "127.0.0.1" || s.Set || s.Where() != "libvirt's default" {
		t.Errorf("%+v", s)
	}
	address, socket := c.Listen("vnc")
	if address.Value != "0.0.0.0" || !socket.Value || socket.Where() != "qemu.conf:4 vnc_auto_unix_socket" {
		t.Errorf("%+v %+v", address, socket)
	}
	if address, socket = c.Listen("rdp"); address.Value != "127.0.0.1" || socket.Value {
		t.Errorf("%+v %+v", address, socket)
	}
	if s := c.Bool("vnc_tls"); !s.Value || s.Where() != "qemu.conf:5 vnc_tls" {
		t.Errorf("%+v", s)
	}
	if s := c.Bool("spice_tls"); s.Value || !s.Set || s.Line != 5 {
		t.Errorf("%+v", s)
	}
	if s := c.List("security_driver"); !slices.Equal(s.Value, []string{"selinux"}) || s.Line != 6 {
		t.Errorf("%+v", s)
	}
	if s := c.List("namespaces"); !slices.Equal(s.Value, []string{"mount"}) || s.Line != 7 {
		t.Errorf("%+v", s)
	}
	if s := c.List("cgroup_device_acl"); len(s.Value) != 0 || !s.Set {
		t.Errorf("%+v", s)
	}
	if s := c.List("cgroup_controllers"); len(s.Value) != 6 || s.Set {
		t.Errorf("%+v", s)
	}
	if s := c.String("vnc_password"); s.Value != "******" || !s.Set {
		t.Errorf("%+v", s)
	}
	if s := c.String("spice_password"); s.Value != "" || !s.Set {
		t.Errorf("%+v", s)
	}
	if s := c.Int("seccomp_sandbox"); s.Value != -1 {
		t.Errorf("%+v", s)
	}
	if s := c.MaxCore(); s.Value != 4096 || s.Line != 14 {
		t.Errorf("%+v", s)
	}
	if s := c.String("user"); s.Value != "x" {
		t.Errorf("%+v", s)
	}
}

func TestDefaults(t *testing.T) {
	for name, c := range map[string]*host.QEMUConf{"nil": nil, "empty": conf(t, "")} {
		if s := c.Bool("security_default_confined"); !s.Value || s.Set {
			t.Errorf("%s: %+v", name, s)
		}
		if s := c.Int("remote_display_port_min"); s.Value != 5900 {
			t.Errorf("%s: %+v", name, s)
		}
		if s := c.MaxCore(); s.Value != -1 {
			t.Errorf("%s: %+v", name, s)
		}
		if c.Verify("vnc").Value || !c.Verify("chardev").Value {
			t.Errorf("%s: verify", name)
		}
	}
	if s := conf(t, `max_core = "unlimited"`).MaxCore(); s.Value != -1 || !s.Set {
		t.Errorf("%+v", s)
	}
	c := conf(t, "default_tls_x509_verify = 1\nbackup_tls_x509_verify = 0")
	if s := c.Verify("vnc"); !s.Value || s.Where() != "qemu.conf:1 default_tls_x509_verify" {
		t.Errorf("%+v", s)
	}
	if s := c.Verify("backup"); s.Value || s.Where() != "qemu.conf:2 backup_tls_x509_verify" {
		t.Errorf("%+v", s)
	}
}

func TestWrongKeyIsAMistake(t *testing.T) {
	for _, key := range []string{"no_such_setting", "vnc_tls"} {
		func() {
			defer func() {
				if r := recover(); r == nil {
					t.Errorf("%s was parsed as a string", key)
				}
			}()
			conf(t, "").String(key)
		}()
	}
}

func FuzzQEMUConf(f *testing.F) {
	for _, tt := range syntax {
		f.Add([]byte(tt.text))
	}
	f.Add([]byte("vnc_listen = \"0.0.0.0\"\nsecurity_driver = [\"selinux\"]\nmax_core = \"unlimited\"\nvnc_password = 'x'\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := host.ParseQEMUConf("f", data)
		if err != nil {
			m := regexp.MustCompile(`^f:(\d+): .+$`).FindStringSubmatch(err.Error())
			if m == nil {
				t.Fatalf("an error without a place: %q", err)
			}
			return
		}
		lines := bytes.Count(data, []byte("\n")) + 1
		if s := c.String("vnc_listen"); s.Set && (s.Line < 1 || s.Line > lines) {
			t.Fatalf("line %d of %d", s.Line, lines)
		}
		// What was read comes back from a bundle.
		var b bytes.Buffer
		if err := host.WriteFacts(&b, &host.Facts{QEMUConf: c}); err != nil {
			t.Fatal(err)
		}
		back, err := host.ReadFacts("f", b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := host.WriteFacts(&again, back); err != nil || b.String() != again.String() {
			t.Fatalf("%v\n%s\n%s", err, &b, &again)
		}
	})
}
