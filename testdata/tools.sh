#!/bin/sh
# Installs the commands that the tests run and compare with, or fails with the list of missing ones.
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
	# A real libvirtd, see testdata/libvirtd. This package does not start a daemon on the host.
	need libvirtd libvirt-daemon
	[ -n "$(ls /usr/lib*/libvirt/connection-driver/libvirt_driver_qemu.so \
		/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so 2>/dev/null)" ] || {
		missing="$missing libvirt_driver_qemu.so"
		packages="$packages libvirt-daemon-driver-qemu"
	}
	need qemu-system-x86_64 qemu-system-x86
	need git git
	need ip iproute2
	need nsenter util-linux
	need zsh zsh
	need fish fish
	need groff groff-base
	need cmark-gfm cmark-gfm
	module prometheus_client python3-prometheus-client # reads OpenMetrics
	need chromium chromium
	# For the tests of packaging; Ansible requires the module apt.
	need rpm rpm
	need systemd-analyze systemd
	need unshare util-linux
	need ansible-playbook ansible-core
	module apt python3-apt
	need pre-commit pre-commit
}
module() { # of Python's, package
	/usr/bin/python3 -c "import $1" 2>/dev/null && return
	missing="$missing python3:$1"
	packages="$packages $2"
}
# promtool is part of the package prometheus, which starts a server when it is installed. So it is unpacked.
unpack_promtool() {
	command -v promtool >/dev/null 2>&1 && return
	echo "unpacking promtool into /usr/local/bin"
	unpacked=$(mktemp -d) || return
	(cd "$unpacked" && chmod 755 . && $sudo apt-get update -qq && apt-get -o APT::Sandbox::User=root download -qq prometheus && dpkg-deb -x prometheus_*.deb . &&
		$sudo install -m 755 usr/bin/promtool /usr/local/bin/promtool) >/dev/null || echo "promtool could not be unpacked" >&2
	rm -rf "$unpacked"
}
look
if command -v apt-get >/dev/null 2>&1; then
	sudo=
	[ "$(id -u)" = 0 ] || sudo="sudo -n"
	export DEBIAN_FRONTEND=noninteractive
	if [ -n "$missing" ]; then
		echo "installing$packages"
		{ $sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends $packages; } >/dev/null ||
			echo "apt-get could not install them" >&2
	fi
	unpack_promtool
	look
fi
need promtool prometheus
if [ -n "$missing" ]; then
	echo "the tests need these commands, which are missing:$missing" >&2
	echo "packages of Debian and Ubuntu:$packages" >&2
	exit 1
fi
