//! The machines of some nodes while they run. All end with the value, and what they wrote is removed.

use std::io::{BufReader, Read};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use fs_err as fs;

use super::arguments::{self, Accelerator, EMULATOR};
use super::console::{self, Verdict};
use super::leash::{is_missing, leashed};
use super::room::Room;
use super::{BaseImage, BuiltNode, MachineError};

/// How long QEMU may take to open the network, in seconds.
const NETWORK: u64 = 30;

/// Machines that run, joined by a hub.
#[derive(Debug)]
pub(crate) struct Fleet {
    // In this order they end: the machines, the hub, the folder with their disks.
    machines: Vec<Process>,
    hub: Process,
    room: Room,
}

/// What a machine's console came to.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The node.
    pub(crate) node: String,
    /// The same by its number.
    pub(crate) number: usize,
    /// Whether its machine ended before the console said anything: the accelerator may not work here.
    pub(crate) is_stillborn: bool,
    /// What it said of itself; nothing if its machine ended before.
    pub(crate) verdict: Option<Verdict>,
    /// How long that took from the machine's start.
    pub(crate) after: Duration,
    /// The last lines of the console before that, or what QEMU said.
    pub(crate) tail: Vec<String>,
}

/// A process that ends with the value.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; other errors cannot be reported here.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Fleet {
    /// Joins as many machines as there will be, none of which is started yet, with their disks in a folder of `scratch`.
    pub(crate) fn new(machines: usize, scratch: &Path) -> Result<Self, MachineError> {
        let room = Room::new(scratch)?;
        let hub = emulator(room.path(), "hub", arguments::hub(machines), Stdio::null())?;
        let mut fleet = Self { machines: Vec::new(), hub, room };
        fleet.wait_for_network(machines)?;
        Ok(fleet)
    }

    /// Starts the machine of a node, with a new disk over `base`. Its ending is sent to `events`.
    pub(crate) fn start<E: From<Ending> + Send + 'static>(
        &mut self,
        number: usize,
        node: &BuiltNode,
        base: &BaseImage,
        accelerator: Option<Accelerator>,
        events: &Sender<E>,
    ) -> Result<(), MachineError> {
        let console = self.add(number, node, base, accelerator)?;
        let said = self.said(&number.to_string());
        let watch = Watch { node: node.name.clone(), number, said, started: Instant::now() };
        let events = events.clone();
        let watching =
            thread::Builder::new().name("console".to_owned()).spawn(move || watch.run(console, &events));
        watching.map_err(MachineError::io("watching a console"))?;
        Ok(())
    }

    /// Starts one machine and gives its console.
    fn add(
        &mut self,
        number: usize,
        node: &BuiltNode,
        base: &BaseImage,
        accelerator: Option<Accelerator>,
    ) -> Result<ChildStdout, MachineError> {
        let room = self.room.path();
        base.disk(room, number)?;
        link(&node.seed, &room.join(arguments::seed(number)))?;
        if let Some(shared) = &node.shared {
            link(shared, &room.join(arguments::shared(number)))?;
        }
        let mac = node.mac.map_or_else(|| address(number), |mac| mac.to_string());
        let mut arguments = arguments::machine(number, &mac, accelerator);
        if node.shared.is_some() {
            arguments.extend(arguments::shared_drive(number));
        }
        let mut process = emulator(room, &number.to_string(), arguments, Stdio::piped())?;
        let console = process.0.stdout.take();
        self.machines.push(process);
        console.ok_or_else(|| MachineError::io("reading a console")(std::io::ErrorKind::BrokenPipe.into()))
    }

    /// Waits until every port of the hub is there: a machine that finds none would give up.
    fn wait_for_network(&mut self, ports: usize) -> Result<(), MachineError> {
        let end = Instant::now() + Duration::from_secs(NETWORK);
        while !(0..ports).all(|number| self.room.path().join(arguments::port(number)).exists()) {
            let ended = self.hub.0.try_wait().map_err(MachineError::io("waiting for the network"))?;
            if ended.is_some_and(is_missing) {
                return Err(MachineError::NoEmulator { program: EMULATOR });
            }
            if Instant::now() > end || ended.is_some() {
                let said = fs::read_to_string(self.said("hub")).unwrap_or_default();
                return Err(MachineError::NoNetwork { seconds: NETWORK, said: said.trim().to_owned() });
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Where a process' messages go.
    fn said(&self, name: &str) -> std::path::PathBuf {
        said(self.room.path(), name)
    }
}

/// Watches one machine's console.
struct Watch {
    node: String,
    number: usize,
    said: std::path::PathBuf,
    started: Instant,
}

impl Watch {
    fn run<E: From<Ending>>(self, console: impl Read, events: &Sender<E>) {
        let mut console = BufReader::new(console);
        let (verdict, mut tail) = console::watch(&self.node, &mut console);
        let is_stillborn = verdict.is_none() && tail.is_empty();
        if verdict.is_none() {
            let said = fs::read_to_string(&self.said).unwrap_or_default();
            tail.extend(said.lines().map(str::to_owned));
        }
        let Self { node, number, started, .. } = self;
        let ending = Ending { node, number, is_stillborn, verdict, after: started.elapsed(), tail };
        // Whoever listens may have heard enough.
        let _ = events.send(ending.into());
        // An unread console would block its machine, which others may need.
        let _ = std::io::copy(&mut console, &mut std::io::sink());
    }
}

/// The address of a card that the profile gives none: QEMU's own range, another for each machine.
fn address(number: usize) -> String {
    let [.., high, middle, low] = number.to_be_bytes();
    format!("52:54:00:{high:02x}:{middle:02x}:{low:02x}")
}

/// Gives a file a name in the room; again, if its machine is started a second time.
fn link(file: &Path, name: &Path) -> Result<(), MachineError> {
    let file = fs::canonicalize(file).map_err(MachineError::io("finding an image"))?;
    match symlink(file, name) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(MachineError::io("naming an image")(error))
        }
        _ => Ok(()),
    }
}

fn said(room: &Path, name: &str) -> std::path::PathBuf {
    room.join(format!("{name}.stderr"))
}

fn emulator(room: &Path, name: &str, arguments: Vec<String>, stdout: Stdio) -> Result<Process, MachineError> {
    let stderr = fs::File::create(said(room, name)).map_err(MachineError::io("starting a machine"))?;
    let mut command = leashed(EMULATOR);
    command.args(arguments).current_dir(room).stdin(Stdio::null()).stdout(stdout);
    // Ctrl-C is for this program, which then ends the machines.
    command.process_group(0);
    let child = command.stderr(stderr.into_file()).spawn();
    child.map(Process).map_err(|error| MachineError::start(EMULATOR, error))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn every_machine_has_an_address_of_its_own() {
        assert_eq!(
            (address(0), address(258)),
            ("52:54:00:00:00:00".to_owned(), "52:54:00:00:01:02".to_owned())
        );
    }
}
