#!/bin/sh
# Writes the seeds: guests as virt-install writes them for a QEMU with KVM.
#
# The daemon needs a directory /var/lib/libvirt/images.
#
# usage: sh make.sh URI
set -eu
uri=$1
cd "$(dirname "$0")"
n=0
guest() { # name options...
	name=$1
	shift
	n=$((n + 1))
	virt-install --connect "$uri" --virt-type kvm --name "$name" --uuid "00000000-0000-4000-8000-00000000000$n" --dry-run --print-xml 1 \
		--noautoconsole "$@" >"$name.xml"
	echo "$name"
}
mac=mac=52:54:00:00:00
guest linux --memory 2048 --vcpus 2 --os-variant debian11 --import \
	--disk /var/lib/libvirt/images/linux.qcow2,format=qcow2,size=10 --network bridge=br0,$mac:01
guest desktop --memory 4096 --vcpus 4 --os-variant fedora36 --import --graphics spice,listen=0.0.0.0 --sound ich9 --video qxl \
	--disk /var/lib/libvirt/images/desktop.qcow2,format=qcow2,size=10 --network network=default,$mac:02
guest windows --memory 8192 --vcpus 4 --os-variant win10 --import --graphics vnc,listen=127.0.0.1,password=secret --tpm emulator,model=tpm-crb,version=2.0 \
	--disk /var/lib/libvirt/images/windows.qcow2,format=qcow2,size=10,bus=sata --network bridge=br0,model=e1000e,$mac:03
guest legacy --memory 512 --vcpus 1 --machine pc --os-variant winxp --import --graphics vnc \
	--disk /var/lib/libvirt/images/legacy.img,format=raw,size=2,bus=ide --network bridge=br0,model=rtl8139,$mac:04
guest server --memory 16384 --vcpus 8 --os-variant rhel8.6 --import --graphics none --memorybacking access.mode=shared,source.type=memfd \
	--filesystem /srv/share,share,driver.type=virtiofs --disk /var/lib/libvirt/images/server.raw,size=10,bus=scsi --controller scsi,model=virtio-scsi \
	--network type=direct,source=eth0,source.mode=bridge,$mac:05 --rng /dev/urandom --watchdog i6300esb,action=reset
guest privileged --memory 8192 --vcpus 4 --os-variant ubuntu22.04 --import --graphics none --disk none --network none \
	--cpu host-passthrough --seclabel type=static,model=dac,label=+0:+0 \
	--hostdev none --parallel unix,path=/tmp/p,mode=bind --console pty --channel unix,target.type=virtio,name=org.qemu.guest_agent.0
guest arguments --memory 1024 --vcpus 1 --os-variant generic --import --graphics none --disk none --network user,$mac:07 \
	--qemu-commandline="-cpu host -device {'driver':'nvme','id':'n'}" --serial tcp,host=:4555,mode=bind,protocol=telnet
