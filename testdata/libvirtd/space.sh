# Runs as process 1 of the namespaces that libvirtd.go makes: puts the folders of the daemon in place,
# then starts and stops the daemon as standard input says. With it, everything in here ends.
#
# usage: bash space.sh FOLDER LIBVIRTD [ARGUMENT]...
set -eu
dir=$1
shift
mount --make-rprivate /
mount -t proc proc /proc
mount -t sysfs sysfs /sys # of this network namespace, without control groups and security modules
mount --bind "$dir/run" /run # with it go D-Bus, systemd and udev of the host: none of them is to see our guests
place() { # folder mount-point
	[ -d "$2" ] || mkdir -p "$2"
	mount --bind "$dir/$1" "$2"
}
place etc /etc/libvirt
place lib /var/lib/libvirt
place cache /var/cache/libvirt
place log /var/log/libvirt
for f in passwd group; do
	if [ -e "$dir/$f" ]; then mount --bind "$dir/$f" "/etc/$f"; fi
done
if [ -S /dev/log ] && [ ! -L /dev/log ]; then # a syslog daemon without systemd
	touch /run/no-syslog
	mount --bind /run/no-syslog /dev/log
fi
if [ -e /dev/kvm ]; then # the same on every machine; and libvirt probes QEMU for each guest where only root may use it
	touch "$dir/no-kvm"
	mount --bind "$dir/no-kvm" /dev/kvm
fi
ip link set lo up
set +e
echo ready
pid=
while read -r word; do
	case $word in
	start)
		"$@" </dev/null >>/var/log/libvirt/stdout.log 2>&1 &
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
