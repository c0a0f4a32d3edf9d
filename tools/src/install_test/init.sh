#!/bin/busybox sh
# The first process of a machine with a disk: modules, the disk, the test's units, then systemd of that disk.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev

while read -r module arguments; do
    # shellcheck disable=SC2086 # several arguments, on purpose
    insmod "/modules/$module.ko" $arguments || echo "cannot load $module"
done </modules/list

mkdir /disk
mount -t ext4 /dev/vda /disk
mkdir -p /disk/packages
mount -t ext4 -o ro /dev/vdb /disk/packages

# Units here come before those of the disk, which stays as Debian has it.
mount -t tmpfs -o mode=755 tmpfs /disk/run
units=/disk/run/systemd/system
mkdir -p $units/multi-user.target.wants
cp /steps.service $units/
chmod 644 $units/steps.service
ln -s ../steps.service $units/multi-user.target.wants/
# Neither a terminal nor work by the clock is part of a test, and a virtual machine is slow.
for unit in serial-getty@ttyAMA0.service getty@tty1.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer \
    proc-sys-fs-binfmt_misc.automount; do
    ln -s /dev/null "$units/$unit"
done

# On a busy computer the machine is slower than any board.
mkdir $units/emocue-badge.service.d
printf '[Service]\nTimeoutStartSec=300\nTimeoutStopSec=100\nWatchdogSec=100\n' \
    >$units/emocue-badge.service.d/slow.conf

mount --move /dev /disk/dev
umount /sys /proc
exec switch_root /disk /sbin/init
