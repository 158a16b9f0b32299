package collect

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestHostDirs(t *testing.T) {
	tests := []struct {
		name      string
		tree      []string
		xdg, home string // a leading "/" is the root of the tree
		want      []string
	}{
		{"no directories", nil, "", "/home", nil},
		{
			"system drivers in order",
			[]string{
				"etc/libvirt/ch/", "etc/libvirt/lxc/", "etc/libvirt/qemu/", "etc/libvirt/libxl/", "etc/libvirt/bhyve/",
				"etc/libvirt/nwfilter/", "etc/libvirt/storage/", "usr/local/etc/libvirt/bhyve/",
			},
			"", "",
			[]string{
				"etc/libvirt/qemu", "etc/libvirt/libxl", "etc/libvirt/lxc", "etc/libvirt/bhyve", "etc/libvirt/ch",
				"usr/local/etc/libvirt/bhyve",
			},
		},
		{"session", []string{"home/.config/libvirt/qemu/"}, "", "/home", []string{"home/.config/libvirt/qemu"}},
		{
			"session elsewhere",
			[]string{"home/.config/libvirt/qemu/", "cfg/libvirt/qemu/"},
			"/cfg", "/home",
			[]string{"cfg/libvirt/qemu"},
		},
		{
			"relative is invalid",
			[]string{"home/.config/libvirt/qemu/", "cfg/libvirt/qemu/"},
			"cfg", "/home",
			[]string{"home/.config/libvirt/qemu"},
		},
		{"no home", []string{"cfg/libvirt/qemu/"}, "cfg", "", nil},
		{"a file in place of a directory", []string{"home/.config"}, "", "/home", nil},
		{
			"a dangling link stays, to be reported",
			[]string{"etc/libvirt/qemu -> /nowhere"},
			"", "",
			[]string{"etc/libvirt/qemu"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := plant(t, tt.tree...)
			env := map[string]string{"XDG_CONFIG_HOME": tt.xdg, "HOME": tt.home}
			got := hostDirs(root, func(key string) string {
				if strings.HasPrefix(env[key], "/") {
					return filepath.Join(root, env[key])
				}
				return env[key]
			})
			var want []string
			for _, dir := range tt.want {
				want = append(want, filepath.Join(root, dir))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// On any real host, each directory that is returned exists.
func TestHostDirsOfThisHost(t *testing.T) {
	for _, dir := range HostDirs(os.Getenv) {
		if _, err := os.Lstat(dir); err != nil {
			t.Error(err)
		}
	}
}
