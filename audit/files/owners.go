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

// Changeable returns the reason why users other than root and uids can change the file that a name
// leads to: they own or may write the file, a directory above it or a link on the way to it. It
// returns "" if they cannot.
func Changeable(name string, uids ...uint32) string {
	reason := ""
	err := walk(name, func(dir, entry fs.FileInfo, path string, _ bool) error {
		if reason == "" && path != "" {
			parent := strings.TrimSuffix(path[:strings.LastIndexByte(path, '/')+1], "/")
			if reason = changeable(dir, uids, parent); reason == "" {
				reason = changeable(entry, uids, path)
			}
		}
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return reason
}

// changeable returns the reason why other users can change one file or directory, or "". In a
// sticky directory they cannot replace files of other users.
func changeable(info fs.FileInfo, uids []uint32, path string) string {
	if path == "" {
		path = "/"
	}
	mode := info.Mode()
	owner, ok := Owner(info)
	switch {
	case !ok:
		return "the owner of " + path + " is unknown"
	case owner != 0 && !slices.Contains(uids, owner):
		return fmt.Sprintf("%s belongs to another user (%d)", path, owner)
	case mode&fs.ModeSymlink != 0: // permissions of a link have no effect
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

// ownersGroup reports whether the group of a file is the private group of its owner. It returns
// false for a file with an access control list, which replaces the permissions of the group by the
// maximum of its entries (acl(5)).
func ownersGroup(info fs.FileInfo, path string) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || (s.Uid != 0 || s.Gid != 0) && !PrivateGroup(s.Uid, s.Gid) {
		return false
	}
	_, err := syscall.Getxattr(path, "system.posix_acl_access", nil)
	return err != nil
}

// PrivateGroup reports whether a group is the private group of a user, that is, has the user's
// name. Login sets a umask of 002 for users with such a group.
func PrivateGroup(uid, gid uint32) bool {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return false
	}
	g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10))
	return err == nil && g.Name == u.Username
}
