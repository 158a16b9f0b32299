package host

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/virt-audit/virt-audit/audit/files"
)

// Places are where facts are searched for. The zero value is nowhere.
type Places struct {
	// Root is the directory that contains the host's file system: "/" for this host, the mount point of an
	// image, or an unpacked sos archive.
	Root string
	// Getenv, such as os.Getenv, locates the session daemon of the user; nil for none. It is only used if
	// Root is "/".
	Getenv func(string) string
}

// limit is the number of bytes of a file that are read; capabilities have about 100 KB.
const limit = 16 << 20

// confFiles are where a system's qemu.conf is, the second on FreeBSD.
var confFiles = []string{"etc/libvirt/qemu.conf", "usr/local/etc/libvirt/qemu.conf"}

// Find returns the facts that it finds, and the errors on the way. A file that does not exist is not an error.
// A file that cannot be read or parsed is an error, and is not among the facts.
func Find(p Places) (*Facts, []error) {
	f := &Facts{Version: FactsVersion}
	if p.Root == "" {
		return f, nil
	}
	info, err := os.Stat(p.Root)
	if err == nil && !info.IsDir() {
		err = errors.New("not a directory")
	}
	if err != nil {
		return f, []error{fileError(p.Root, err)}
	}
	const flags = os.O_RDONLY | syscall.O_NONBLOCK
	tree := nonblocking{os.DirFS(p.Root), func(name string) (*os.File, error) {
		return os.OpenFile(filepath.Join(p.Root, name), flags, 0)
	}}
	if root := filepath.Clean(p.Root); root != "/" {
		// Links in an image must not lead to files of this machine.
		inside, err := os.OpenRoot(root)
		if err != nil {
			return f, []error{fileError(p.Root, err)}
		}
		tree = nonblocking{inside.FS(), func(name string) (*os.File, error) { return inside.OpenFile(name, flags, 0) }}
	}
	s := &search{Facts: f, tree: tree, root: p.Root}
	f.files = s.file
	for _, name := range confFiles {
		if f.QEMUConf == nil {
			f.QEMUConf = s.conf(name)
		}
	}
	s.archive()
	if filepath.Clean(p.Root) == "/" {
		s.live(p.Getenv)
	}
	return f, s.errs
}

// fileError names the file of an error once, without the system call that failed.
func fileError(shown string, err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return fmt.Errorf("%s: %w", shown, err)
}

// search is a search below one root. Its paths are paths of fs.FS.
type search struct {
	*Facts
	tree fs.FS
	root string
	errs []error
}

// read returns the content of a file and its name for messages; the content is nil if there is no file.
func (s *search) read(name string) (data []byte, shown string) {
	shown = filepath.Join(s.root, filepath.FromSlash(name))
	data, err := readFile(s.tree, name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return nil, shown
	case err != nil:
		s.errs = append(s.errs, fileError(shown, err))
		return nil, shown
	}
	return data, shown
}

func readFile(tree fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(tree, name) // opening a FIFO would block
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	var in io.Reader = file
	if f, ok := file.(*os.File); ok {
		in = files.Reader(f)
	}
	data, err := files.Limited(in, name, limit)
	if fe, ok := errors.AsType[*files.Error](err); ok {
		err = fe.Err // the caller names the file, with its root
	}
	if data == nil {
		data = []byte{}
	}
	return data, err
}

// nonblocking is a tree whose files are opened without blocking: a file may have been replaced by a FIFO
// since Stat.
type nonblocking struct {
	fs.FS
	open func(name string) (*os.File, error)
}

// Open opens a file or a directory.
func (t nonblocking) Open(name string) (fs.File, error) {
	f, err := t.open(name)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Stat does not open the file.
func (t nonblocking) Stat(name string) (fs.FileInfo, error) { return fs.Stat(t.FS, name) }

func (s *search) conf(name string) *QEMUConf {
	data, shown := s.read(name)
	if data == nil {
		return nil
	}
	c, err := ParseQEMUConf(shown, data)
	if err != nil {
		s.errs = append(s.errs, err)
	}
	return c
}

// archive reads the output of commands that the sos plugins "virsh" and "kernel" store in files named after
// them, such as virsh_-r_capabilities. The file of a command that failed contains its error.
func (s *search) archive() {
	for _, name := range s.glob("sos_commands/virsh/virsh*version*") {
		data, _ := s.read(name)
		s.versions(data)
	}
	for _, name := range s.glob("sos_commands/virsh/virsh*capabilities*") {
		data, shown := s.read(name)
		if bytes.HasPrefix(data, []byte("error:")) || len(bytes.TrimSpace(data)) == 0 {
			continue
		}
		if err := s.AddCapabilities(shown, data); err != nil {
			s.errs = append(s.errs, err)
		}
	}
	for _, name := range []string{"sos_commands/kernel/uname_-a", "uname"} {
		if data, _ := s.read(name); s.HostArch == "" {
			s.HostArch = archOfUname(string(data))
		}
	}
}

func (s *search) glob(pattern string) []string {
	names, _ := fs.Glob(s.tree, pattern) // the patterns are ours, and well-formed
	slices.Sort(names)
	return names
}

func (f *Facts) versions(data []byte) {
	libvirt, qemu := ParseVersions(data)
	if libvirt != "" {
		f.LibvirtVersion = libvirt
	}
	if qemu != "" {
		f.QEMUVersion = qemu
	}
}

// AddCapabilities adds the output of "virsh capabilities", "virsh domcapabilities", "virsh version" or
// QEMU's --version, which it recognizes. File is the name for errors.
func (f *Facts) AddCapabilities(file string, data []byte) error {
	if libvirt, qemu := ParseVersions(data); libvirt != "" || qemu != "" {
		f.versions(data)
		return nil
	}
	root, err := rootOf(data)
	switch root {
	case "capabilities":
		c, err := ParseCapabilities(file, data)
		if err != nil {
			return err
		}
		f.Capabilities = c
	case "domainCapabilities":
		d, err := ParseDomainCapabilities(file, data)
		if err != nil {
			return err
		}
		f.DomainCapabilities = append(f.DomainCapabilities, *d)
	case "":
		return fmt.Errorf("%s: neither capabilities nor a version: no XML element: %w", file, err)
	default:
		return fmt.Errorf("%s: neither capabilities nor domain capabilities: the root element is <%s>", file, root)
	}
	return nil
}

// archOfUname returns the architecture in the output of "uname -a": the word before the last, which is
// the operating system.
func archOfUname(line string) string {
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "Linux" {
		return ""
	}
	switch arch := words[len(words)-2]; arch {
	case "i386", "i486", "i586":
		return "i686"
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	default:
		return arch
	}
}

// goArches are libvirt's names of Go's architectures. Executables for 32-bit Arm also run on 64-bit hosts, so
// they show nothing.
var goArches = map[string]string{
	"386": "i686", "amd64": "x86_64", "arm64": "aarch64", "loong64": "loongarch64", "mips": "mips",
	"mipsle": "mipsel", "mips64": "mips64", "mips64le": "mips64el", "ppc64": "ppc64", "ppc64le": "ppc64le",
	"riscv64": "riscv64", "s390x": "s390x",
}

// live adds what is only known on a running host.
func (s *search) live(getenv func(string) string) {
	s.HostArch = goArches[runtime.GOARCH]
	s.Kernel = s.kernel()
	s.ManagementBridges = s.bridges()
	if getenv == nil {
		return
	}
	config := getenv("XDG_CONFIG_HOME")
	if home := getenv("HOME"); !filepath.IsAbs(config) && filepath.IsAbs(home) {
		config = filepath.Join(home, ".config")
	}
	if !filepath.IsAbs(config) {
		return
	}
	s.Session = &Session{Directory: filepath.Join(config, "libvirt")}
	problems := len(s.errs)
	own := s.conf(filepath.ToSlash(filepath.Join(s.Session.Directory, "qemu.conf"))[1:])
	if own == nil && len(s.errs) == problems {
		own = &QEMUConf{} // there is usually none, and this daemon has no other
	}
	if own != nil {
		own.session = true
	}
	s.Session.QEMUConf = own
}

// kernel reads sysfs. It returns nil if there is no sysfs.
func (s *search) kernel() *Kernel {
	if _, err := fs.Stat(s.tree, "sys/kernel"); err != nil {
		return nil
	}
	if enforce, err := readFile(s.tree, "sys/fs/selinux/enforce"); err == nil {
		return &Kernel{"selinux", strings.TrimSpace(string(enforce)) == "1"}
	}
	if enabled, err := readFile(s.tree, "sys/module/apparmor/parameters/enabled"); err == nil && strings.TrimSpace(string(enabled)) == "Y" {
		return &Kernel{"apparmor", true}
	}
	return &Kernel{"none", false}
}

// bridges returns the bridges among the interfaces of default routes, through which the host itself, and its
// administrators, reach the network. It returns nil if the routes are not known.
func (s *search) bridges() []string {
	routes, err := readFile(s.tree, "proc/net/route")
	if err != nil {
		return nil
	}
	found := []string{}
	note := func(name string) {
		if _, err := fs.Stat(s.tree, path.Join("sys/class/net", name, "bridge")); err == nil && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	for line := range strings.Lines(string(routes)) {
		if w := strings.Fields(line); len(w) > 7 && w[1] == "00000000" && w[7] == "00000000" {
			note(w[0])
		}
	}
	routes, _ = readFile(s.tree, "proc/net/ipv6_route") // missing where there is no IPv6
	for line := range strings.Lines(string(routes)) {
		if w := strings.Fields(line); len(w) > 9 && strings.Trim(w[0], "0") == "" && w[1] == "00" {
			note(w[9])
		}
	}
	return found
}

// file returns what the file system knows of a file, by its absolute path on the host.
func (s *search) file(name string) (File, bool) {
	if !path.IsAbs(name) || path.Clean(name) == "/" {
		return File{}, false
	}
	info, err := fs.Stat(s.tree, path.Clean(name)[1:])
	if err != nil {
		return File{}, false
	}
	out := File{Mode: Mode(info.Mode().Perm())}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		out.UID, out.GID = st.Uid, st.Gid
	}
	return out, true
}
