# Boots a copy of this machine in namespaces: the files are below an overlay, so that nothing is written to
# the machine, and the real systemd runs as process 1. When it ends, everything inside ends. The caller creates
# the namespaces for mounts, processes, IPC, the host name and the network.
#
# usage: bash space.sh DIR CGROUP SHARED; SHARED is visible as /mnt
set -eu
dir=$1 cgroup=$2 shared=$3
mount --make-rprivate /

# A separate branch of control groups: systemd manages the root of its namespace.
if [ -z "${BRANCHED-}" ]; then
	echo 0 >"$cgroup/cgroup.procs"
	BRANCHED=yes exec unshare --cgroup bash "$0" "$@"
fi

mount -t tmpfs -o mode=0755 tmpfs "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root"
cd "$dir/root"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -o remount,bind,ro sys
mount -t tmpfs -o mode=0755 tmpfs dev
for node in null zero full random urandom tty; do
	: >"dev/$node"
	mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/shm dev/pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=0755 tmpfs run
mkdir run/shared run/upper # outside of the overlay
mount --rbind "$shared" run/shared
mount --bind "$dir/upper" run/upper

# Hide this machine's units and guests, and its lists of packages: the package needs none, and apt would parse them
# on each use.
for there in etc/libvirt var/lib/libvirt var/cache/libvirt var/lib/apt/lists home root tmp var/tmp; do
	[ ! -d "$there" ] || mount -t tmpfs -o mode=0755 tmpfs "$there"
done
chmod 1777 tmp var/tmp
for there in etc/systemd/system/*; do rm -rf "$there"; done
ip link set lo up

mkdir run/old
pivot_root . run/old
umount -l /run/old
exec env -i container=space PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --unit=basic.target --log-target=null --show-status=no </dev/null >/dev/null 2>&1
