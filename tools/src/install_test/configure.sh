# In the machine's first process: the packages, whose files lie on the disk already, are installed as dpkg does it.
mount -t ext4 /dev/vda /mnt
mount -t ext4 -o ro /dev/vdb /mnt/packages
mount -t proc proc /mnt/proc
mount -t devtmpfs devtmpfs /mnt/dev
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
cd /mnt
touch var/lib/dpkg/status
# With its path, as the machine's first process has a dpkg of its own.
dpkg="chroot . /usr/bin/dpkg --force-depends --force-unsafe-io"
# In the order in which the scripts of the others need them; that no package's dependencies are there yet is expected.
for name in base-passwd base-files dpkg libc6 perl-base mawk debconf; do
    # shellcheck disable=SC2086 # several words, on purpose
    $dpkg --install packages/${name}_*.deb
done
$dpkg --unpack --recursive packages
$dpkg --configure --pending --force-configure-any
chroot . /usr/bin/dpkg --audit
cd /
umount /mnt/dev /mnt/proc /mnt/packages /mnt
