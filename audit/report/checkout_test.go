package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckout checks the names of files relative to the checkout of a CI.
func TestCheckout(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "deploy")
	for _, c := range []struct{ root, source, want string }{
		{"", "vm.xml", "vm.xml"},
		{"", "./a/../vm.xml", "vm.xml"},
		{"", dir + "/a/vm.xml", "a/vm.xml"},
		{"", "../vm.xml", "../vm.xml"},
		{"", "/etc/libvirt/qemu/vm.xml", "/etc/libvirt/qemu/vm.xml"},
		{root, "vm.xml", "deploy/vm.xml"},
		{root, "../vm.xml", "vm.xml"},
		{root, root + "/vm.xml", "vm.xml"},
		{"/elsewhere", "vm.xml", "vm.xml"},
		{"", "<stdin>", ""},
		{"", "<stdin> .xml", "<stdin> .xml"},
		{"", "qemu:///system/vm", ""},
		{"", "a/qemu://b.xml", "a/qemu:/b.xml"},
	} {
		if got := (checkout{c.root, dir}).file(c.source); got != c.want {
			t.Errorf("%s in the checkout %q: %q, want %q", c.source, c.root, got, c.want)
		}
	}
	if got := (checkout{}).file("./vm.xml"); got != "vm.xml" {
		t.Errorf("without a directory: %q", got)
	}
}

// TestCheckoutVariables runs in a subdirectory of a repository, as a step of a CI may.
func TestCheckoutVariables(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "sub")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	absolute := filepath.Join(root, "other", "b.xml")
	results := run(t, map[string]string{"a.xml": consoles, absolute: consoles}, "a.xml", absolute)
	t.Chdir(dir)
	t.Setenv("CI_PROJECT_DIR", root)
	paths := map[string]bool{}
	for _, e := range decodeGitLab(t, render(t, "gitlab", options(), results, nil, nil)) {
		paths[e.Location.Path] = true
	}
	if len(paths) != 2 || !paths["sub/a.xml"] || !paths["other/b.xml"] {
		t.Errorf("paths for GitLab: %v", paths)
	}
	t.Setenv("GITHUB_WORKSPACE", root)
	if out := render(t, "github", options(), results, nil, nil); !strings.Contains(out, " file=sub/a.xml,") || !strings.Contains(out, " file=other/b.xml,") {
		t.Errorf("for GitHub: %.500s", out)
	}
}
