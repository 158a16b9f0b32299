#!/bin/sh
# A systemd that runs is told of the units; none is enabled.
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || :
fi
