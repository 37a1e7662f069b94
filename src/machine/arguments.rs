//! QEMU's arguments. File names are in the fleet's own folder, where QEMU runs: none needs escaping.

/// The program that is a machine.
pub(super) const EMULATOR: &str = "qemu-system-x86_64";
/// Memory of a machine in MiB, as much as the smallest that people give a node.
const MEMORY: u32 = 2048;

/// How a machine's instructions are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// By the processor, with Linux' KVM.
    Kvm,
    /// In software; ten times slower or more.
    Tcg,
}

/// A machine's disk.
pub(super) fn disk(number: usize) -> String {
    format!("{number}.qcow2")
}

/// A machine's seed.
pub(super) fn seed(number: usize) -> String {
    format!("{number}.iso")
}

/// The image that a machine shares with others, under a name of its own.
pub(super) fn shared(number: usize) -> String {
    format!("{number}.shared")
}

/// The drive with that.
pub(super) fn shared_drive(number: usize) -> Vec<String> {
    let drive = format!("if=none,id=shared,format=raw,file={},read-only=on", shared(number));
    ["-drive", &drive, "-device", "nvme,drive=shared,serial=shared"].map(str::to_owned).into()
}

/// A machine's port of the hub.
pub(super) fn port(number: usize) -> String {
    format!("{number}.port")
}

/// Makes a QEMU without any machine the hub that joins these many: what one sends reaches all others, and only them.
pub(super) fn hub(machines: usize) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["-M", "none", "-nodefaults", "-display", "none"].map(str::to_owned).into();
    for number in 0..machines {
        let port = port(number);
        arguments.push("-netdev".to_owned());
        arguments.push(format!("stream,id=port{number},server=on,addr.type=unix,addr.path={port}"));
        arguments.push("-netdev".to_owned());
        arguments.push(format!("hubport,id=hub{number},hubid=0,netdev=port{number}"));
    }
    arguments
}

/// A machine with a disk, a seed, a card on the hub, and its serial console on standard output. Without an accelerator
/// it is KVM where that can be used.
pub(super) fn machine(number: usize, mac: &str, accelerator: Option<Accelerator>) -> Vec<String> {
    let accelerators = match accelerator {
        Some(Accelerator::Kvm) => &["kvm"][..],
        Some(Accelerator::Tcg) => &["tcg"],
        None => &["kvm", "tcg"],
    };
    let mut arguments: Vec<String> =
        accelerators.iter().flat_map(|name| ["-accel", name]).map(str::to_owned).collect();
    let (disk, seed, port) = (disk(number), seed(number), port(number));
    let words = [
        // The default machine has a floppy drive, which Linux waits for.
        "-machine q35 -cpu max -nodefaults -display none".to_owned(),
        format!("-m {MEMORY} -serial file:/dev/stdout -device virtio-rng-pci"),
        // Every guest finds NVMe drives before cloud-init looks for its seed, whatever modules its kernel was built with.
        format!(
            "-drive if=none,id=disk,format=qcow2,file={disk},cache=unsafe -device nvme,drive=disk,serial=disk,bootindex=0"
        ),
        format!(
            "-drive if=none,id=seed,format=raw,file={seed},read-only=on -device nvme,drive=seed,serial=seed"
        ),
        format!("-netdev stream,id=net,server=off,addr.type=unix,addr.path={port}"),
        format!("-device virtio-net-pci,netdev=net,mac={mac}"),
    ];
    arguments.extend(words.iter().flat_map(|line| line.split(' ')).map(str::to_owned));
    arguments
}

#[cfg(test)]
mod tests {
    use super::{Accelerator, hub, machine};

    #[test]
    fn the_hub_has_a_port_for_each_machine() {
        let ports = |machines| hub(machines).iter().filter(|word| word.starts_with("hubport")).count();
        assert_eq!((ports(1), ports(4)), (1, 4));
    }

    #[test]
    fn the_accelerator_is_the_one_asked_for() {
        let accelerators = |asked| {
            let words = machine(0, "52:54:00:00:00:01", asked);
            words
                .windows(2)
                .filter(|pair| pair[0] == "-accel")
                .map(|pair| pair[1].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(accelerators(Some(Accelerator::Tcg)), ["tcg"]);
        assert_eq!(accelerators(None), ["kvm", "tcg"]);
    }
}
