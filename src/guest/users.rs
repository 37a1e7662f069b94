//! The users and groups of Ubuntu's image: units can run as them, and their names are taken.

/// The system users and groups of Ubuntu 24.04's cloud image: those of base-passwd (3.6, `passwd.master` and
/// `group.master`) and what the image adds to them.
#[rustfmt::skip]
pub const IMAGE_USERS: [&str; 70] = [
    "_apt", "_chrony", "_ssh", "adm", "audio", "backup", "bin", "cdrom", "crontab", "daemon", "dhcpcd",
    "dialout", "dip", "disk", "dnsmasq", "fax", "floppy", "fwupd-refresh", "games", "input", "irc", "kmem",
    "kvm", "landscape", "list", "lp", "lxd", "mail", "man", "messagebus", "netdev", "news", "nobody", "nogroup",
    "operator", "plugdev", "polkitd", "pollinate", "proxy", "rdma", "render", "root", "sasl", "sgx", "shadow",
    "src", "sshd", "ssl-cert", "staff", "sudo", "sync", "sys", "syslog", "systemd-coredump", "systemd-journal",
    "systemd-network", "systemd-resolve", "systemd-timesync", "tape", "tcpdump", "tss", "tty", "usbmux",
    "users", "utmp", "uucp", "uuidd", "video", "voice", "www-data",
];

/// Users and groups that packages of Ubuntu's own make, or that its image had in earlier releases.
#[rustfmt::skip]
pub const PACKAGE_USERS: [&str; 9] = [
    "admin", "docker", "gnats", "libuuid", "libvirt", "microk8s", "plocate", "ssh", "wheel",
];
