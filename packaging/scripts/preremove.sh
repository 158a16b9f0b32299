#!/bin/sh
# dpkg passes a word, rpm the number of versions that remain. An upgrade changes nothing here.
case ${1-} in
remove | 0) ;;
*) exit 0 ;;
esac
if command -v systemctl >/dev/null 2>&1; then
	systemctl --no-reload disable virt-audit.timer >/dev/null 2>&1 || :
	rm -f /etc/systemd/system/timers.target.wants/virt-audit.timer # "disable" ignores a masked timer
	if [ -d /run/systemd/system ]; then
		systemctl stop virt-audit.timer virt-audit.service || :
	fi
	systemctl clean --what=state virt-audit.timer >/dev/null 2>&1 || : # the time of its last run
fi
# Without virt-audit, old metrics would raise the alert for a stale audit.
rm -f /var/lib/prometheus/node-exporter/virt-audit.prom
for hook in /etc/libvirt/hooks/qemu.d/*; do
	if [ -f "$hook" ] && grep -qs '^# virt-audit hook' "$hook"; then
		echo "virt-audit: $hook stays, and cannot judge guests without virt-audit: remove it, or install virt-audit again" >&2
		if grep -qs -- --fail-closed "$hook"; then
			echo "virt-audit: until then no guest starts, because it was installed with --fail-closed" >&2
		fi
	fi
done
exit 0
