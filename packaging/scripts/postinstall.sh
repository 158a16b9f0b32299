#!/bin/sh
# Makes a running systemd load the units; none is enabled.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
fi
