package cmdutil

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// copyAttributes copies the extended attributes of a file, access control lists among them. Without
// the list, its mask would be the permissions of the group (source: acl(5)). Labels of security
// modules are copied if the process may do that; otherwise the new file has the label that is the
// default in its directory.
func copyAttributes(from, to string) error {
	names, err := attribute(func(b []byte) (int, error) { return syscall.Listxattr(from, b) })
	if errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the extended attributes: %w", err)
	}
	for part := range bytes.SplitSeq(names, []byte{0}) {
		name := string(part)
		if name == "" {
			continue
		}
		value, err := attribute(func(b []byte) (int, error) { return syscall.Getxattr(from, name, b) })
		if err == nil {
			err = syscall.Setxattr(to, name, value, 0)
		}
		if err != nil && !strings.HasPrefix(name, "security.") {
			return fmt.Errorf("copy the extended attribute %s: %w", name, err)
		}
	}
	return nil
}

// attribute returns what a system call writes into a buffer, which it first asks for the size of.
func attribute(get func([]byte) (int, error)) ([]byte, error) {
	size, err := get(nil)
	if err != nil || size == 0 {
		return nil, err
	}
	b := make([]byte, size)
	n, err := get(b)
	return b[:max(0, n)], err
}
