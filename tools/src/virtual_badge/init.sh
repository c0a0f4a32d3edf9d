#!/bin/busybox sh
# The first process of the virtual machine: mounts, modules, then a shell on the port "shell".
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /run /tmp

while read -r module arguments; do
    # shellcheck disable=SC2086 # several arguments, on purpose
    insmod "/modules/$module.ko" $arguments || echo "cannot load $module"
done </modules/list

mkdir /run/ports
for port in /sys/class/virtio-ports/*; do
    [ -e "$port/name" ] && ln -s "/dev/${port##*/}" "/run/ports/$(cat "$port/name")"
done

shell=/run/ports/shell
# A Raspberry Pi has no such ports; its serial console serves.
[ -e "$shell" ] || shell=/dev/ttyS1

while :; do
    # A port can be opened once. A shell that reads a pipe does not take it for a terminal, and `cat` would hold back
    # what a terminal says.
    {
        [ ! -t 0 ] || stty raw -echo
        echo "shell is ready"
        while IFS= read -r line; do printf '%s\n' "$line"; done | sh
    } 0<>"$shell" 1>&0 2>&1
    # Nobody is there yet, or the shell was asked to exit.
    sleep 1
done
