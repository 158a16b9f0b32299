// Command virt-audit tells which libvirt guests are inside QEMU's security support boundary, and
// what in their XML gives the host or another guest away.
package main

import "os"

func main() {
	os.Exit(run(os.Args, os.Stdin, openedStdout(), os.Stderr))
}
