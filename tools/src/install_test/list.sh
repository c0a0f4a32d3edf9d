# Every file and folder with its kind, permissions and owner, but for what dpkg and its kin write for themselves.
find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /packages -o -path /listed \
    -o -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/log -o -path /var/cache \) \
    -prune -o -printf '%p %y %m %u %g\n' |
    grep -v '^/etc/[a-z]*- ' | sort
