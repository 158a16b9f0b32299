#!/bin/sh
# Installs the programs that the tests run beside ours, or fails with the list of those that are missing.
set -u
PATH=$PATH:/usr/sbin:/sbin
missing=
packages=
need() { # command package
	command -v "$1" >/dev/null 2>&1 && return
	missing="$missing $1"
	packages="$packages $2"
}
look() {
	missing= packages=
	need virsh libvirt-clients
	need virt-xml-validate libvirt-clients
	need xmllint libxml2-utils
	need virt-xml virtinst
	# A real libvirtd, see testdata/libvirtd. The package of the daemon alone starts none on this host.
	need libvirtd libvirt-daemon
	[ -n "$(ls /usr/lib*/libvirt/connection-driver/libvirt_driver_qemu.so \
		/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so 2>/dev/null)" ] || {
		missing="$missing libvirt_driver_qemu.so"
		packages="$packages libvirt-daemon-driver-qemu"
	}
	need qemu-system-x86_64 qemu-system-x86
	need ip iproute2
	need nsenter util-linux
	need zsh zsh
	need fish fish
	need cmark-gfm cmark-gfm
	# Reads OpenMetrics. promtool would, too, but its package starts a server.
	/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null || {
		missing="$missing python3:prometheus_client"
		packages="$packages python3-prometheus-client"
	}
}
look
[ -z "$missing" ] && exit 0
if command -v apt-get >/dev/null 2>&1; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo="sudo -n"
	echo "installing$packages"
	export DEBIAN_FRONTEND=noninteractive
	{ $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $packages; } >/dev/null ||
		echo "apt-get could not install them" >&2
	look
fi
if [ -n "$missing" ]; then
	echo "the tests need these programs, which are not there:$missing" >&2
	echo "on Debian and Ubuntu they are in:$packages" >&2
	exit 1
fi
