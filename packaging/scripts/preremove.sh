#!/bin/sh
# dpkg gives a word, rpm the number of versions that stay: an upgrade leaves everything as it is.
case ${1-} in
remove | 0) ;;
*) exit 0 ;;
esac
if command -v systemctl >/dev/null 2>&1; then
	systemctl --no-reload disable virt-audit.timer >/dev/null 2>&1 || :
	rm -f /etc/systemd/system/timers.target.wants/virt-audit.timer # of a masked timer, which is not disabled
	if [ -d /run/systemd/system ]; then
		systemctl stop virt-audit.timer virt-audit.service || :
	fi
	systemctl clean --what=state virt-audit.timer >/dev/null 2>&1 || : # when it ran last
fi
# Figures of a program that is gone would be taken for a stale audit.
rm -f /var/lib/prometheus/node-exporter/virt-audit.prom
for hook in /etc/libvirt/hooks/qemu.d/*; do
	if [ -f "$hook" ] && grep -qs '^# virt-audit hook' "$hook"; then
		echo "virt-audit: $hook stays, and cannot judge guests without the program: remove it, or install the program again" >&2
		if grep -qs -- --fail-closed "$hook"; then
			echo "virt-audit: until then no guest starts, as it was installed with --fail-closed" >&2
		fi
	fi
done
exit 0
