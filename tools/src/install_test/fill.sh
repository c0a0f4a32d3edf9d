# Leaves so many kB free on the disk, in /usr/filler.
free=$(df --output=avail --block-size=1K /usr | tail -n 1)
# Space that is set aside takes no time; the last of it has to be written.
fallocate --length $((free - $1 - 2000))KiB /usr/filler
free=$(df --output=avail --block-size=1K /usr | tail -n 1)
if [ "$1" = 0 ]; then
    cat /dev/zero >>/usr/filler 2>/dev/null || true
else
    head --bytes=$(((free - $1) * 1024)) /dev/zero >>/usr/filler
fi
sync
