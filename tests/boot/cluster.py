"""Scenarios of a whole cluster. They share one, in this order, and each leaves it whole."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import example
import promql
from lab import Lab
from node import Node, wait_for
from patience import PATIENCE
from tally import CheckFailed

MEMBER_IDS = {name: member_id for (name, _), member_id in example.MEMBER_IDS.items()}

# Machines without hardware help need longer than it waits by itself.
ETCDCTL = "etcdctl --command-timeout=180s --dial-timeout=180s"


def expect(what: str, expected: object, got: object) -> None:
    """Fails, showing both, where they differ."""
    if expected != got:
        raise CheckFailed(f"{what}: expected {expected}, got {got}")


def clean(node: Node) -> None:
    """cloud-init has nothing to complain of, no unit has failed, and systemd finds no fault with ours."""
    status = json.loads(node.must("cloud-init status --wait --format json", PATIENCE))
    expect(
        f"{node.name}: cloud-init status",
        ("done", [], {}),
        (status["status"], status["errors"], status["recoverable_errors"]),
    )
    expect(f"{node.name}: failed units", "", node.must("systemctl list-units --failed --plain --no-legend"))
    units = node.must("cut -f2 /var/lib/imgbuild/components | tr , '\\n' | grep -vx -e -").split()
    expect(
        f"{node.name}: systemd-analyze verify",
        "",
        node.must(f"systemd-analyze verify imgbuild.service {' '.join(units)} 2>&1"),
    )


def boot(lab: Lab) -> None:
    """Four nodes boot from their seeds alone, and are ready and clean."""
    nodes = lab.cluster().values()
    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(clean, nodes))


def etcd(lab: Lab) -> None:
    """Three members with the ids that the profile gives them are healthy and share what is written."""
    first = lab.members()[0]
    listing = json.loads(first.must(f"{ETCDCTL} member list --hex --write-out=json"))["members"]
    got = {member["name"]: member["ID"] if isinstance(member["ID"], str) else f"{member['ID']:x}" for member in listing}
    expect("members", MEMBER_IDS, got)
    serves(lab)


def serves(lab: Lab) -> None:
    """Three members are healthy, and what is written on one is read on another."""
    first, *_, last = lab.members()
    expect("healthy members", 3, first.must(f"{ETCDCTL} endpoint health --cluster 2>&1").count("is healthy"))
    written = str(time.time())
    first.must(f"{ETCDCTL} put boot-test {written}")
    expect("the key", written, last.must(f"{ETCDCTL} get boot-test --print-value-only").strip())


def targets_up(lab: Lab) -> bool:
    """Whether Prometheus has reached every target: itself, three members, four nodes."""
    targets = lab.ask("targets")["activeTargets"]
    if bad := [
        f"{target['scrapeUrl']}: {target['health']} {target['lastError']}"
        for target in targets
        if target["health"] != "up"
    ]:
        raise CheckFailed("\n".join(bad))
    return len(targets) == 8


def prometheus(lab: Lab) -> None:
    """Every target is up, no rule has an error, and all that dashboards and rules ask for is there."""
    wait_for("every target is up", 120, lambda: targets_up(lab))

    def rules_fine() -> bool:
        rules = [rule for group in lab.ask("rules")["groups"] for rule in group["rules"]]
        if bad := [
            f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}" for rule in rules if rule["health"] != "ok"
        ]:
            raise CheckFailed("\n".join(bad))
        return bool(rules)

    wait_for("every rule has been evaluated", 180, rules_fine)

    def questions_fine() -> bool:
        etcd(lab)  # clients' requests are among what is asked for
        promql.check(lab)
        return True

    wait_for("every question has its answer", 180, questions_fine)


def offline(lab: Lab) -> None:
    """Nothing needs a default route or a name server: nobody had one, and without the route all stays well."""
    nodes = lab.cluster().values()

    def cut_off(node: Node) -> None:
        if node.run("getent hosts debian.org").returncode == 0:
            raise CheckFailed(f"{node.name} has found a name server: this network leaks")
        node.must("sudo ip route del default && ! ip route | grep default")

    with ThreadPoolExecutor(len(nodes)) as pool:
        list(pool.map(cut_off, nodes))
    since = lab.value("vector(time())")
    etcd(lab)
    wait_for("every target is read since", 180, lambda: lab.value("min(timestamp(up))") > since and targets_up(lab))


def facts(node: Node) -> dict[str, str]:
    """What a reboot must not change: files' inodes, what etcd holds."""
    files = "/usr/local/bin/* /etc/systemd/system/*.service /etc/hosts /usr/lib/imgbuild/files"
    return {
        "files": node.must(f"stat -c '%n %i %y' {files}"),
        "key": node.must(f"ETCDCTL_ENDPOINTS=127.0.0.1:2379 {ETCDCTL} get boot-test --print-value-only"),
    }


def reboot(lab: Lab) -> None:
    """A rebooted member comes back by itself; nothing is applied twice, and its data is there."""
    etcd(lab)
    node = lab.members()[0]
    before = facts(node)
    node.reboot()
    expect("attempt", 1, node.expect_ready()["attempt"])
    expect("facts of the node", before, facts(node))
    clean(node)


def detached(lab: Lab) -> None:
    """A node whose seed is taken away after the first boot comes back into the same state."""
    etcd(lab)
    node = lab.members()[2]
    before = facts(node) | {"network": node.must("hostname; ip -br address show scope global; readlink /etc/localtime")}
    node.shut_down()
    node.start()
    expect("attempt", 1, node.expect_ready()["attempt"])
    expect(
        "facts of the node",
        before,
        facts(node) | {"network": node.must("hostname; ip -br address show scope global; readlink /etc/localtime")},
    )
    expect("failed units", "", node.must("systemctl list-units --failed --plain --no-legend"))


def started(node: Node) -> str:
    """When its services started."""
    return node.must("systemctl show -p Id -p ExecMainStartTimestamp -p NRestarts etcd node_exporter")


def kept(node: Node) -> str:
    """What a new seed must leave as it is: etcd's data, the same file still, and what the change does not concern."""
    return node.must("sudo stat -c %i /opt/etcd/member/snap/db && sha256sum /usr/local/bin/* /etc/etcd/etcd.conf")


def reseed(lab: Lab) -> None:
    """A seed of a changed profile changes what it must and nothing else, on that node alone."""
    etcd(lab)
    first, node, last = lab.members()
    others = {other.name: started(other) for other in (first, last)}
    before = kept(node)
    node.must("test -f /etc/boot-test/marker")
    node.shut_down()
    node.start(lab.output("changed", node.name).file("seed.iso"))
    node.expect_ready()
    node.must("! test -e /etc/boot-test && systemctl status --no-pager node_exporter | grep -q collector.tcpstat")
    expect("what is kept", before, kept(node))
    expect("the other nodes' services", others, {other.name: started(other) for other in (first, last)})
    etcd(lab)
    clean(node)


def leader_of(members: list[Node]) -> Node | None:
    """The member that leads, as any of these sees it."""
    for node in members:
        done = node.run(f"{ETCDCTL} endpoint status --write-out=json", 60)
        if done.returncode == 0:
            status = json.loads(done.stdout)[0]["Status"]
            ids = {f"{status['leader']:x}", str(status["leader"])}
            return next((member for member in members if MEMBER_IDS[member.name] in ids), None)
    return None


def firing(lab: Lab, alert: str, node: str) -> bool:
    """Whether an alert about a node fires."""
    return lab.value(f'count(ALERTS{{alertname="{alert}", node="{node}", alertstate="firing"}})') > 0


def leader(lab: Lab) -> None:
    """When the leader's power is cut, another leads, the cluster serves, and alerts fire until it is back."""
    members = lab.members()
    lost = leader_of(members)
    if lost is None:
        raise CheckFailed("no member leads")
    lost.machine.kill()
    rest = [member for member in members if member is not lost]
    wait_for("another member leads", 180, lambda: leader_of(rest) is not None)
    rest[0].must(f"{ETCDCTL} put boot-test after-the-leader")
    expect("the key", "after-the-leader", rest[1].must(f"{ETCDCTL} get boot-test --print-value-only").strip())
    for alert in ("EtcdMemberDown", "NodeDown"):
        wait_for(f"{alert} fires", 400, lambda alert=alert: firing(lab, alert, lost.name))
    lost.start_seeded()
    lost.expect_ready()
    for alert in ("EtcdMemberDown", "NodeDown"):
        wait_for(f"{alert} clears", 180, lambda alert=alert: not firing(lab, alert, lost.name))
    etcd(lab)


SCENARIOS = (boot, etcd, prometheus, offline, reseed, reboot, detached, leader)
