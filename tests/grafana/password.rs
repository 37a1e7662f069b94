//! A changed administrator's password takes effect: the node's own unit and configuration, with the synthetic Grafana, which
//! takes the password of its configuration only when it makes its database, as the real one does.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{below, overlays};
use crate::support::oracle::{oracle, stdout};
use crate::support::workspace::Workspace;

const UNITS: &str = "grafana/files/etc/systemd/system";

/// A node's file system as far as Grafana knows it, in a folder.
struct Node {
    root: TempDir,
    port: u16,
}

impl Node {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let node = Self { root, port };
        for folder in ["opt/grafana_data", "etc/grafana/secrets", "etc/grafana/provisioning", "usr/share"] {
            fs::create_dir_all(node.path(folder)).unwrap();
        }
        let synthetic = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/synthetic-grafana");
        symlink(synthetic, node.path("usr/share/grafana")).unwrap();
        let shown = Workspace::new().run(&["show", "prmt-1", "/etc/grafana/grafana.ini"]).exit(0).data();
        let ini = node
            .placed(&shown)
            .replace("http_port = 3000", &format!("http_addr = 127.0.0.1\nhttp_port = {port}"));
        assert!(ini.contains(&port.to_string()), "{ini}");
        fs::write(node.path("etc/grafana/grafana.ini"), ini).unwrap();
        node
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    /// A text whose paths are those of the node's folder.
    fn placed(&self, text: &str) -> String {
        let root = self.root.path().display();
        ["/opt/grafana_data", "/etc/grafana", "/usr/share/grafana"]
            .iter()
            .fold(text.to_owned(), |text, path| text.replace(path, &format!("{root}{path}")))
    }

    /// The value of a key in a unit.
    fn unit(&self, unit: &str, key: &str) -> String {
        let text = fs::read_to_string(overlays().join(UNITS).join(unit)).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
        self.placed(value)
    }

    /// What a new seed does: another secret, then both units, in the order that the first asks for.
    fn starts_with(&self, password: &str) -> Grafana {
        fs::write(self.path("etc/grafana/secrets/admin_password"), format!("{password}\n")).unwrap();
        let unit = "grafana-admin-password.service";
        assert_eq!(self.unit(unit, "Before"), "grafana.service");
        let input = self.unit(unit, "StandardInput");
        let input = fs::File::open(input.strip_prefix("file:").unwrap()).unwrap();
        let line = self.unit(unit, "ExecStart");
        assert!(!line.contains(password), "arguments are seen by every user");
        // systemd takes the words apart as a shell does, for these.
        let done = Command::new("sh").args(["-c", &line]).stdin(input).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Grafana::start(&self.unit("grafana.service", "ExecStart"), self.port)
    }
}

/// A Grafana that runs until the value ends.
struct Grafana(Child, u16);

impl Grafana {
    fn start(line: &str, port: u16) -> Self {
        let mut words = line.split(' ');
        let mut child =
            Command::new(words.next().unwrap()).args(words).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("synthetic grafana"), "it does not start: {said}");
        // It says that before it listens.
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(std::time::Instant::now() < end, "it does not listen");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Self(child, port)
    }

    fn logs_in(&self, password: &str) -> bool {
        let mut stream = TcpStream::connect(("127.0.0.1", self.1)).unwrap();
        let credentials = stdout(
            Command::new("sh")
                .args(["-c", "printf %s \"$1\" | base64 -w0", "sh"])
                .arg(format!("admin:{password}")),
        );
        write!(stream, "GET /api/user HTTP/1.0\r\nAuthorization: Basic {credentials}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.0 200")
    }
}

impl Drop for Grafana {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_changed_password_logs_in_and_the_old_one_does_not() {
    if oracle("python3").is_none() {
        return;
    }
    let node = Node::new();
    let grafana = node.starts_with("the-first-one");
    assert!(grafana.logs_in("the-first-one") && !grafana.logs_in("another"));
    drop(grafana);
    // Without the unit the new one would count for nothing: the database keeps the old one.
    fs::write(node.path("etc/grafana/secrets/admin_password"), "the-second-one\n").unwrap();
    let grafana = Grafana::start(&node.unit("grafana.service", "ExecStart"), node.port);
    assert!(grafana.logs_in("the-first-one") && !grafana.logs_in("the-second-one"));
    drop(grafana);
    let grafana = node.starts_with("the \"second\" $one");
    assert!(grafana.logs_in("the \"second\" $one") && !grafana.logs_in("the-first-one"));
}

#[test]
fn the_password_is_set_before_grafana_starts_and_both_are_restarted() {
    let plan = Workspace::new().run(&["plan", "prmt-1", "--json"]).exit(0).json();
    let services = plan["nodes"][0]["services"].as_array().unwrap();
    let units = services.iter().map(|service| &service["units"]);
    let expected = serde_json::json!(["grafana-admin-password.service", "grafana.service"]);
    assert!(units.into_iter().any(|units| *units == expected), "{services:?}");
    let files = below(&overlays().join(UNITS));
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert!(names.contains(&"grafana-admin-password.service"), "{names:?}");
}
