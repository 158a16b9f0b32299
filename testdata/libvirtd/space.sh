# Runs as process 1 of the namespaces that libvirtd.go makes: mounts the directories of the daemon, then
# starts and stops the daemon as standard input commands. When it ends, everything inside ends.
#
# usage: bash space.sh DIR LIBVIRTD [ARGUMENT]...
#
# Environment, each may be empty: ROOT is the root directory of the daemon; KVM=1 makes a
# /dev with KVM; SEALED=1 keeps what the daemon writes in memory and lets it write nowhere else; LIMIT
# is the daemon's address space in KiB.
set -eu
dir=$1
shift
root=${ROOT:-}
mount --make-rprivate /
mount -t proc proc /proc
if [ -n "$root" ]; then
	mount --bind "$root" "$root" # a mount of its own, for SEALED
	mount -t proc proc "$root/proc"
fi
mount -t sysfs sysfs "$root/sys" # of this network namespace, without control groups and security modules
mount --bind "$dir/run" "$root/run" # this hides D-Bus, systemd and udev of the host, which must not see the test's guests
place() { # directory mount-point
	[ -d "$root$2" ] || mkdir -p "$root$2"
	if [ -n "${SEALED:-}" ] && [ "$1" != log ]; then
		mount -t tmpfs tmpfs "$root$2"
		cp -a "$dir/$1/." "$root$2"
	else
		mount --bind "$dir/$1" "$root$2"
	fi
}
place etc /etc/libvirt
place lib /var/lib/libvirt
place cache /var/cache/libvirt
place log /var/log/libvirt
for f in passwd group; do
	if [ -e "$dir/$f" ]; then mount --bind "$dir/$f" "$root/etc/$f"; fi
done
if [ -S /dev/log ] && [ ! -L /dev/log ]; then # a syslog daemon without systemd
	touch /run/no-syslog
	mount --bind /run/no-syslog /dev/log
fi
devices() { # directory: a private /dev; fails where devices cannot be created
	mount -t tmpfs -o mode=755 tmpfs "$1"
	mkdir "$1/pts" "$1/shm"
	ln -s /proc/self/fd "$1/fd"
	for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 ${KVM:+kvm:10:232}; do
		IFS=: read -r name major minor <<<"$device"
		mknod -m 666 "$1/$name" c "$major" "$minor" || return
	done
}
kvm=
if [ -n "${KVM:-}$root" ] && mkdir -p "$dir/dev" && devices "$dir/dev" 2>/dev/null; then
	if [ -n "${KVM:-}" ] && (: <>"$dir/dev/kvm") 2>/dev/null; then kvm=" kvm"; else rm -f "$dir/dev/kvm"; fi
	mount --move "$dir/dev" "$root/dev"
	mount -t devpts devpts "$root/dev/pts"
elif [ -n "$root" ]; then
	echo "no devices can be made for $root"
	exit 1
elif [ -e /dev/kvm ]; then # the same on every machine; and libvirt probes QEMU for each guest where only root may use it
	touch "$dir/no-kvm"
	mount --bind "$dir/no-kvm" /dev/kvm
fi
if [ -n "${SEALED:-}" ]; then
	while read -r _ _ _ _ point _; do
		case $point in
		"$root/etc/libvirt" | "$root/var/lib/libvirt" | "$root/var/cache/libvirt" | "$root/var/log/libvirt") ;;
		"$root/run" | "$root/proc" | /proc | "$root/dev" | "$root/dev"/* | /dev | /dev/*) ;;
		*) mount -o remount,bind,ro "$(printf '%b' "$point")" 2>/dev/null || true ;; # hidden by another mount
		esac
	done </proc/self/mountinfo
fi
ip link set lo up
set +e
if [ -n "${LIMIT:-}" ]; then ulimit -v "$LIMIT"; fi
if [ -n "$root" ]; then set -- "$(command -v chroot)" "$root" "$@"; fi
echo "ready$kvm"
pid=
while read -r word; do
	case $word in
	start)
		"$@" </dev/null >>"$root/var/log/libvirt/stdout.log" 2>&1 &
		pid=$!
		echo "$pid"
		;;
	TERM | HUP | KILL)
		kill -"$word" "$pid"
		if [ "$word" != HUP ]; then wait "$pid"; fi
		echo "$?"
		;;
	esac
done
