"""A profile of many nodes, as large clusters are: a few etcd members, ten observers that each watch all nodes, the rest."""

import sys

ETCD = 3
OBSERVERS = 10

HEAD = """\
cluster: fleet
network: {subnet: 10.0.0.0/16, gateway: 10.0.0.1, nameservers: [10.0.0.1]}
system:
  admin: {name: ops, ssh_authorized_keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample ops]}
roles:
  store: [node_exporter, etcd]
  plain: [node_exporter]
  observer: [node_exporter, prometheus, grafana]
nodes:
"""


def fleet(count: int) -> str:
    """The profile of `count` nodes."""
    lines = []
    for number in range(count):
        role = "plain"
        if ETCD < count and number < ETCD:
            role = "store"
        elif count - number <= OBSERVERS < count:
            role = "observer"
        address = f"10.0.{1 + number // 250}.{1 + number % 250}"
        lines.append(f"  - {{name: node-{number:05}, address: {address}, roles: [{role}]}}\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(fleet(int(sys.argv[1])))
