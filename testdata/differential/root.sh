#!/bin/sh
# Unpacks libvirt, QEMU for all architectures and their firmware from a release of Debian into a
# directory, for "make differential ROOT=DIR": libvirtd runs there in a chroot of its own namespaces.
# Nothing is installed on this machine; packages' maintainer scripts do not run.
#
# usage: root.sh DIR [SUITE [MIRROR]]
#
# SUITE is unstable by default (libvirt 12.8 and QEMU 11.1 in November 2026); bookworm has libvirt 9.0.
# Needs root, apt, dpkg and Debian's keyring. About 2 GB.
set -eu
[ $# -ge 1 ] || { echo "usage: root.sh DIR [SUITE [MIRROR]]" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
suite=${2:-unstable}
mirror=${3:-http://deb.debian.org/debian}
if [ -e "$dir/root-is-complete" ]; then
	cat "$dir/root-is-complete"
	exit 0
fi

packages="libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients
	qemu-system-x86 qemu-system-arm qemu-system-ppc qemu-system-mips qemu-system-misc qemu-utils
	ovmf qemu-efi-aarch64 swtpm-tools iproute2 mount bash coreutils libc-bin"
# Packages that only some releases have: parts of QEMU that others ship in qemu-system-common or -misc.
optional="qemu-system-s390x qemu-system-riscv qemu-system-sparc qemu-system-modules-spice
	qemu-system-modules-opengl libvirt-common libvirt-daemon-common qemu-efi-riscv64 qemu-efi-loongarch64 base-files"

# A private apt: its own source, lists, cache and an empty dpkg database, so that every dependency is
# downloaded and the machine's own packages do not matter.
apt=$dir.apt
rm -rf "$apt"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/empty"
: >"$apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list"
private() {
	command=$1
	shift
	"$command" -q -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/empty" \
		-o Dir::Etc::Preferences="$apt/none" -o Dir::Etc::PreferencesParts="$apt/empty" \
		-o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" -o Dir::Cache="$apt/cache" \
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o APT::Sandbox::User=root \
		-o APT::Install-Recommends=false -o Debug::NoLocking=true "$@"
}
private apt-get update
for p in $optional; do
	if private apt-cache show "$p" >/dev/null 2>&1; then packages="$packages $p"; fi
done
# shellcheck disable=SC2086 # a list of words
private apt-get install -y --download-only $packages

# Merged /usr: libraries of both places are to be found under one path.
for d in bin sbin lib lib64; do
	mkdir -p "$dir/usr/$d"
	[ -e "$dir/$d" ] || ln -s "usr/$d" "$dir/$d"
done
for deb in "$apt"/cache/archives/*.deb; do
	# tar keeps the links to /usr, which dpkg -x would replace by directories.
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" --keep-directory-symlink
done
rm -rf "$apt"
for d in dev proc sys run tmp var/lib/libvirt var/cache/libvirt var/log/libvirt etc/libvirt; do
	mkdir -p "$dir/$d"
done
cat >"$dir/etc/passwd" <<END
root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin
tss:x:64057:64057::/nonexistent:/usr/sbin/nologin
swtpm:x:64058:64058::/nonexistent:/usr/sbin/nologin
END
cat >"$dir/etc/group" <<END
root:x:0:
nogroup:x:65534:
kvm:x:64056:
libvirt-qemu:x:64055:
tss:x:64057:
swtpm:x:64058:
END
chroot "$dir" /sbin/ldconfig
{
	chroot "$dir" libvirtd --version
	chroot "$dir" qemu-system-x86_64 --version | head -n 1
} >"$dir/root-is-complete.new"
mv "$dir/root-is-complete.new" "$dir/root-is-complete"
cat "$dir/root-is-complete"
