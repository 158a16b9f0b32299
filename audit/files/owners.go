package files

import (
	"fmt"
	"io/fs"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Changeable returns why users other than root and those of uids could change what a name leads to: they
// own or may write the file, a directory above it or a link on the way to it. It returns "" if they cannot.
func Changeable(name string, uids ...uint32) string {
	why := ""
	err := walk(name, func(dir, entry fs.FileInfo, path string, _ bool) error {
		if why == "" && path != "" {
			if why = changeable(dir, uids, strings.TrimSuffix(path[:strings.LastIndexByte(path, '/')+1], "/")); why == "" {
				why = changeable(entry, uids, path)
			}
		}
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return why
}

// changeable says who else may change one file or directory. In a sticky directory nobody can replace
// what others own.
func changeable(info fs.FileInfo, uids []uint32, path string) string {
	if path == "" {
		path = "/"
	}
	mode := info.Mode()
	of, ok := Owner(info)
	switch {
	case !ok:
		return "the owner of " + path + " is unknown"
	case of != 0 && !slices.Contains(uids, of):
		return fmt.Sprintf("%s belongs to another user (%d)", path, of)
	case mode&fs.ModeSymlink != 0: // its permissions mean nothing
		return ""
	case info.IsDir() && mode&fs.ModeSticky != 0:
		return ""
	case mode.Perm()&0o002 != 0:
		return path + " can be changed by every user"
	case mode.Perm()&0o020 != 0 && !ownersGroup(info, path):
		return path + " can be changed by its group"
	}
	return ""
}

// ownersGroup reports whether the group that may write a file is its owner's own. An access control list puts
// the most that any of its entries allows in the place of the group's permissions (acl(5)).
func ownersGroup(info fs.FileInfo, path string) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || (s.Uid != 0 || s.Gid != 0) && !PrivateGroup(s.Uid, s.Gid) {
		return false
	}
	_, err := syscall.Getxattr(path, "system.posix_acl_access", nil)
	return err != nil
}

// PrivateGroup reports whether the group is the user's own, which is what lets login give a umask of
// 002: it has the user's name.
func PrivateGroup(uid, gid uint32) bool {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return false
	}
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10))
	return err == nil && g.Name == u.Username
}
