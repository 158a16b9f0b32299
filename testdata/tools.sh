#!/bin/sh
# Installs the missing commands of need/programs.txt, after printing their packages. Fails with
# the list of those that it cannot install.
set -u
PATH=$PATH:/usr/sbin:/sbin
list=$(dirname "$0")/need/programs.txt
need() { # program package, as in programs.txt
	case $1 in
	python3:*) /usr/bin/python3 -c "import ${1#python3:}" 2>/dev/null && return ;;
	*/*) for file in $(echo "$1" | tr , ' '); do [ ! -e "$file" ] || return 0; done ;;
	*) command -v "$1" >/dev/null 2>&1 && return ;;
	esac
	missing="$missing $1"
	packages="$packages $2"
}
look() { # at all but what is unpacked and not installed
	missing= packages=
	while read -r program package; do
		case $program in '' | '#'* | promtool) ;; *) need "$program" "$package" ;; esac
	done <"$list"
}
# promtool is part of the package prometheus, which starts a server when it is installed. So it is unpacked.
unpack_promtool() {
	command -v promtool >/dev/null 2>&1 && return
	echo "unpacking promtool into /usr/local/bin"
	directory=$(mktemp -d) || return
	(cd "$directory" && chmod 755 . && $sudo apt-get update -qq && apt-get -o APT::Sandbox::User=root download -qq prometheus && dpkg-deb -x prometheus_*.deb . &&
		$sudo install -m 755 usr/bin/promtool /usr/local/bin/promtool) >/dev/null || echo "promtool could not be unpacked" >&2
	rm -rf "$directory"
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
	echo "the tests need these programs, which are missing:$missing" >&2
	echo "on Debian and Ubuntu they are in:$packages" >&2
	exit 1
fi
