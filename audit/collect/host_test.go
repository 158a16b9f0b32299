package collect

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestHostFolders(t *testing.T) {
	tests := []struct {
		name      string
		tree      []string
		xdg, home string // "/" stands for the root of the tree
		want      []string
	}{
		{"nothing there", nil, "", "/home", nil},
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
		{"a file in the way", []string{"home/.config"}, "", "/home", nil},
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
			got := hostFolders(root, func(key string) string {
				if strings.HasPrefix(env[key], "/") {
					return filepath.Join(root, env[key])
				}
				return env[key]
			})
			var want []string
			for _, folder := range tt.want {
				want = append(want, filepath.Join(root, folder))
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// On a real host, whatever it has: each folder is there or its parent is.
func TestHostFoldersOfThisHost(t *testing.T) {
	for _, folder := range HostFolders(os.Getenv) {
		if _, err := os.Lstat(folder); err != nil {
			t.Error(err)
		}
	}
}
