//! `imgbuild serve`: what it answers, what it refuses, and what it tells of it.
#![expect(clippy::disallowed_methods, reason = "edge: speaks HTTP, and looks after a process")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use imgbuild::digest::Sha256;
use imgbuild::output::{Manifest, OutputFile};
use imgbuild::serve::{ConnectionLimits, Site, serve};
use rustix::net::{AddressFamily, SocketType};
use tokio::sync::Notify;

use super::support::oracle::oracle;
use super::support::workspace::Workspace;

/// The size of a file that no buffers on its way can hold.
const LARGE: u64 = 8 << 20;

const SECRETS: &str = "admin_password: geheim\n";

/// A build for HTTP, and the program that serves it.
struct Serving {
    process: Child,
    address: SocketAddr,
    /// What it said before it began.
    warnings: String,
}

impl Serving {
    fn start(workspace: &Workspace, arguments: &[&str]) -> Self {
        Self::start_on(workspace, "127.0.0.1:0", arguments)
    }

    fn start_on(workspace: &Workspace, listen: &str, arguments: &[&str]) -> Self {
        let mut command = workspace.command(&[&["serve", "--listen", listen], arguments].concat());
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut serving = Self { process, address, warnings: String::new() };
        for line in BufReader::new(serving.process.stderr.take().unwrap()).lines().map_while(Result::ok) {
            if let Some((_, rest)) = line.split_once(" on http://") {
                serving.address = rest.split(';').next().unwrap().parse().unwrap();
                break;
            }
            serving.warnings.push_str(&(line + "\n"));
        }
        assert_ne!(serving.address.port(), 0, "it does not serve: {}", serving.warnings);
        serving
    }

    fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let lines = [headers, &["", ""]].concat().join("\r\n");
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\n{lines}").unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        Answer { head: String::from_utf8_lossy(&bytes[..end]).to_lowercase(), body: bytes[end + 4..].into() }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// Ends it as a user does, and gives what it printed.
    fn end(mut self) -> String {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let mut out = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert_eq!(self.process.wait().unwrap().code(), Some(0));
        out
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Answer {
    head: String,
    body: Vec<u8>,
}

impl Answer {
    #[track_caller]
    fn is(&self, status: u16, headers: &[&str]) -> &[u8] {
        assert!(self.head.starts_with(&format!("http/1.1 {status} ")), "{}", self.head);
        for header in headers {
            assert!(self.head.lines().any(|line| line == *header), "{header} in\n{}", self.head);
        }
        &self.body
    }
}

/// Two nodes of a profile, one of them with a secret in its user-data.
fn built() -> Workspace {
    let workspace = Workspace::with_releases();
    let workspace = workspace.option("--delivery", "http").option("--url", "http://192.0.2.1:8080");
    workspace.run(&["ptrn-2", "--quiet"]).exit(0);
    let workspace = workspace.secrets(SECRETS);
    workspace.run(&["ptrn-1", "--quiet"]).exit(0);
    workspace
}

fn manifest(workspace: &Workspace, node: &str) -> Manifest {
    serde_json::from_slice(&workspace.read(&format!("out/{node}/manifest.json"))).unwrap()
}

#[test]
fn a_file_is_sent_whole_or_in_part() {
    let workspace = built();
    let serving = Serving::start(&workspace, &[]);
    let layer = manifest(&workspace, "ptrn-1").layers.remove(0);
    let path = format!("/layers/{}", layer.sha256);
    let bytes = workspace.read(&format!("out{path}"));
    let (size, tag) = (bytes.len(), format!("\"{}\"", layer.sha256));
    let length = format!("content-length: {size}");
    let whole = [length.as_str(), "accept-ranges: bytes"];
    assert!(serving.get(&path).is(200, &whole) == bytes);
    assert_eq!(Sha256::of(serving.get(&format!("{path}?again")).is(200, &whole)), layer.sha256);
    assert_eq!(serving.ask("HEAD", &path, &[]).is(200, &whole), b"");
    let part = format!("content-range: bytes 100-{}/{size}", size - 1);
    let rest = serving.ask("GET", &path, &["Range: bytes=100-"]);
    assert!(rest.is(206, &[&part, &format!("content-length: {}", size - 100)]) == &bytes[100..]);
    let few = serving.ask("GET", &path, &["Range: bytes=3-4", &format!("If-Range: {tag}")]);
    assert_eq!(few.is(206, &[&format!("content-range: bytes 3-4/{size}")]), &bytes[3..5]);
    let other = serving.ask("GET", &path, &["Range: bytes=3-4", "If-Range: \"other\""]);
    assert!(other.is(200, &whole) == bytes);
    let beyond = serving.ask("GET", &path, &[&format!("Range: bytes={size}-")]);
    beyond.is(416, &[&format!("content-range: bytes */{size}")]);
    serving.ask("POST", &path, &[]).is(405, &["allow: get, head"]);
    serving.ask("DELETE", "/ptrn-2/user-data", &[]).is(405, &[]);
    assert!(workspace.path("out/ptrn-2/user-data").exists());
}

#[test]
fn only_what_manifests_name_is_served_and_no_secret() {
    let workspace = built().file("out/ptrn-2/more", "more").file("out/plain", "plain");
    let serving = Serving::start(&workspace, &[]);
    for document in ["user-data", "meta-data", "network-config", "seed.iso"] {
        let path = format!("ptrn-2/{document}");
        assert!(serving.get(&format!("/{path}")).is(200, &[]) == workspace.read(&format!("out/{path}")));
    }
    for path in [
        "/",
        "/ptrn-2",
        "/ptrn-2/",
        "/ptrn-2/manifest.json",
        "/ptrn-2/more",
        "/ptrn-2/vendor-data",
        "/plain",
        "/.imgbuild.lock",
        "/layers",
        "/layers/",
        "/ptrn-2/../../secrets.yaml",
        "/ptrn-2/%2e%2e/%2e%2e/secrets.yaml",
        "/ptrn-2/../ptrn-2/user-data",
        "/../out/ptrn-2/user-data",
        "/layers/0000000000000000000000000000000000000000000000000000000000000000",
    ] {
        serving.get(path).is(404, &[]);
    }
    assert!(
        serving.warnings.contains("not served, because they hold secrets: ptrn-1/seed.iso, ptrn-1/user-data")
    );
    for path in ["/ptrn-1/user-data", "/ptrn-1/seed.iso"] {
        let refused = serving.get(path);
        assert!(!String::from_utf8_lossy(refused.is(403, &[])).contains("passwd"));
    }
    serving.get("/ptrn-1/meta-data").is(200, &[]);
    let open = Serving::start(&workspace, &["--private"]);
    assert_eq!(open.warnings, "");
    assert!(open.get("/ptrn-1/user-data").is(200, &[]) == workspace.read("out/ptrn-1/user-data"));
}

#[test]
fn a_file_that_is_not_what_its_manifest_says_is_not_sent() {
    let workspace = built();
    let serving = Serving::start(&workspace, &[]);
    let path = workspace.path("out/ptrn-2/meta-data");
    let text = fs::read(&path).unwrap();
    fs::write(&path, [&text[..], b"more"].concat()).unwrap();
    serving.get("/ptrn-2/meta-data").is(409, &[]);
    fs::remove_file(&path).unwrap();
    serving.get("/ptrn-2/meta-data").is(404, &[]);
    fs::write(workspace.path("elsewhere"), &text).unwrap();
    symlink(workspace.path("elsewhere"), &path).unwrap();
    serving.get("/ptrn-2/meta-data").is(404, &[]);
    fs::remove_file(&path).unwrap();
    fs::rename(workspace.path("elsewhere"), &path).unwrap();
    serving.get("/ptrn-2/meta-data").is(200, &[]);
    fs::rename(workspace.path("out/ptrn-2"), workspace.path("moved")).unwrap();
    symlink(workspace.path("moved"), workspace.path("out/ptrn-2")).unwrap();
    serving.get("/ptrn-2/meta-data").is(404, &[]);
}

#[test]
fn clients_that_say_nothing_and_read_nothing_keep_nobody_waiting() {
    let workspace = built();
    let serving = Serving::start(&workspace, &[]);
    let own = manifest(&workspace, "ptrn-1").layers.pop().unwrap().sha256;
    let mut idle = Vec::new();
    for number in 0..60 {
        let mut stream = TcpStream::connect(serving.address).unwrap();
        let text = if number % 2 == 0 {
            "GET / HT".to_owned()
        } else {
            format!("GET /layers/{own} HTTP/1.1\r\n\r\n")
        };
        stream.write_all(text.as_bytes()).unwrap();
        idle.push(stream);
    }
    serving.get("/ptrn-2/meta-data").is(200, &[]);
    drop(idle);
}

#[test]
fn each_request_has_its_line_and_the_end_says_who_has_what() {
    let workspace = built();
    let serving = Serving::start(&workspace, &[]);
    let layers = manifest(&workspace, "ptrn-1").layers;
    let paths: Vec<_> = layers.iter().map(|layer| format!("/layers/{}", layer.sha256)).collect();
    serving.ask("GET", &paths[0], &["Range: bytes=0-9"]).is(206, &[]);
    serving.ask("GET", &paths[1], &["Range: bytes=0-9"]).is(206, &[]);
    serving.ask("GET", &paths[1], &["Range: bytes=10-"]).is(206, &[]);
    let own = paths.last().unwrap();
    let size = serving.get(own).is(200, &[]).len();
    serving.get("/nothing").is(404, &[]);
    serving.ask("HEAD", "/ptrn-2/user-data", &[]).is(200, &[]);
    let out = serving.end();
    let rest = layers[1].size - 10;
    for line in [
        format!("127.0.0.1 GET {} 206 10", paths[0]),
        format!("127.0.0.1 GET {} 206 {rest}", paths[1]),
        format!("127.0.0.1 GET {own} 200 {size}"),
        "127.0.0.1 HEAD /ptrn-2/user-data 200 0".to_owned(),
    ] {
        assert!(out.lines().any(|other| other == line), "{line} in\n{out}");
    }
    assert!(out.contains("127.0.0.1 GET /nothing 404 "), "{out}");
    let (first, second) = (&layers[0].name, &layers[1].name);
    let mut whole = [(own, "ptrn-1"), (&paths[1], second.as_str())];
    whole.sort_unstable();
    let whole = whole.map(|(_, name)| name).join(", ");
    let told = format!("127.0.0.1 is ptrn-1, has {whole}, in part {first}\nnothing was fetched for ptrn-2\n");
    assert!(out.ends_with(&told), "{told} in\n{out}");
    assert_eq!(out.lines().count(), 6 + 2, "{out}");
    let json = Serving::start(&workspace, &["--json"]);
    json.get("/ptrn-2/user-data").is(200, &[]);
    let lines: Vec<serde_json::Value> =
        json.end().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["status"], 200);
    assert_eq!(lines[1]["nodes"], serde_json::json!(["ptrn-2"]));
    assert_eq!(lines[1]["whole"], serde_json::json!({"/ptrn-2/user-data": "user-data"}));
}

#[test]
fn curl_goes_on_where_a_killed_server_left_off() {
    let Some(mut curl) = oracle("curl") else { return };
    let workspace = built();
    let layer = manifest(&workspace, "ptrn-1").layers.remove(0);
    let path = format!("layers/{}", layer.sha256);
    let bytes = workspace.read(&format!("out/{path}"));
    fs::write(workspace.path("copy"), &bytes[..bytes.len() / 2]).unwrap();
    let mut first = Serving::start(&workspace, &[]);
    first.process.kill().unwrap();
    first.process.wait().unwrap();
    let listen = first.address.to_string();
    let again = Serving::start_on(&workspace, &listen, &[]);
    let url = format!("http://{listen}/{path}");
    let done = curl.args(["-fsS", "-C", "-", "-o", "copy", &url]).current_dir(workspace.path(".")).status();
    assert!(done.unwrap().success());
    assert!(workspace.read("copy") == bytes);
    assert!(again.end().contains(" 206 "));
}

#[test]
fn a_folder_without_nodes_and_an_address_that_is_taken_are_told() {
    let workspace = Workspace::new();
    let help = "help: build first: `imgbuild --all`; or name another folder with `--out DIR`\n";
    let run = workspace.run(&["serve"]).exit(1);
    run.stderr(&format!("error: `out` does not exist, expected a folder of built nodes\n{help}"));
    fs::create_dir(workspace.path("out")).unwrap();
    let run = workspace.run(&["serve", "--listen", "127.0.0.1:0"]).exit(1);
    run.stderr(&format!("error: no node is built in `out`: there is nothing to serve\n{help}"));
    workspace.run(&["serve", "--listen", "8080"]).exit(2);
    let workspace = built();
    let serving = Serving::start(&workspace, &[]);
    let run = workspace.run(&["serve", "--listen", &serving.address.to_string()]).exit(1);
    run.says(&["error: failed to listen on 127.0.0.1:", "address in use", "`--listen ADDR:PORT`"]);
}

/// A server with these limits, in this process, on a folder with a file of 8 MiB.
struct Limited {
    workspace: Workspace,
    address: SocketAddr,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Limited {
    fn start(limits: ConnectionLimits) -> Self {
        let workspace = built();
        let mut large = manifest(&workspace, "ptrn-2");
        large.outputs.insert("large".to_owned(), OutputFile { size: LARGE, sha256: Sha256::ZEROS });
        workspace.write("out/ptrn-2/manifest.json", serde_json::to_vec(&large).unwrap());
        fs::File::create(workspace.path("out/ptrn-2/large")).unwrap().set_len(LARGE).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let site = Site::open(&workspace.path("out"), false).unwrap();
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let run = move || serve(listener, site, limits, &stopped, Arc::new(|_| {})).unwrap();
        Self { workspace, address, stop, thread: Some(std::thread::spawn(run)) }
    }

    /// A client at an address of loopback that asks for the large file.
    fn client(&self, address: [u8; 4]) -> TcpStream {
        let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::bind(&socket, &SocketAddr::from((address, 0))).unwrap();
        rustix::net::connect(&socket, &self.address).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.write_all(b"GET /ptrn-2/large HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.stop.notify_one();
        self.thread.take().unwrap().join().unwrap();
        assert!(self.workspace.path("out").exists());
    }
}

/// The first bytes that a client gets.
fn status(mut stream: &TcpStream) -> String {
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    String::from_utf8_lossy(&head).into_owned()
}

#[test]
fn one_client_cannot_hold_what_others_need() {
    let window = Duration::from_millis(500);
    let limited =
        Limited::start(ConnectionLimits { connections: 3, of_address: 2, window, least: 64 * 1024 });
    let idle = [[127, 0, 0, 1]; 2].map(|address| limited.client(address));
    assert_eq!(idle.each_ref().map(status), ["HTTP/1.1 200"; 2]);
    assert_eq!(status(&limited.client([127, 0, 0, 1])), "HTTP/1.1 503", "it has its share");
    let other = limited.client([127, 0, 0, 2]);
    assert_eq!(status(&other), "HTTP/1.1 200", "others have theirs");
    assert_eq!(status(&limited.client([127, 0, 0, 3])), "HTTP/1.1 503", "all are taken");
    drop(other);
    // Who reads nothing is sent away, however much is still to come.
    let began = Instant::now();
    while status(&limited.client([127, 0, 0, 1])) != "HTTP/1.1 200" {
        assert!(began.elapsed() < 20 * window, "it holds its places");
        std::thread::sleep(window / 5);
    }
    let mut rest = Vec::new();
    let ended = (&idle[0]).read_to_end(&mut rest);
    assert!(ended.is_err() || (rest.len() as u64) < LARGE, "{}", rest.len());
}

#[test]
fn a_slow_client_gets_all_of_a_large_file() {
    let window = Duration::from_millis(500);
    let limited =
        Limited::start(ConnectionLimits { connections: 3, of_address: 2, window, least: 64 * 1024 });
    let mut stream = limited.client([127, 0, 0, 1]);
    let (mut got, mut part, began) = (0, vec![0; 256 << 10], Instant::now());
    loop {
        match stream.read(&mut part).unwrap() {
            0 => break,
            count => got += count as u64,
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(got > LARGE, "{got}: the head and the file");
    assert!(began.elapsed() > 2 * window, "it was not slow: {:?}", began.elapsed());
}

#[test]
fn the_nodes_address_is_the_one_that_is_listened_on() {
    let workspace = built();
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/some/path");
    let mut command = workspace.bare(&["serve", "--url", &url]);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    let said: Vec<_> = lines.skip_while(|line| !line.starts_with("serving")).take(2).collect();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(said[0], format!("serving out on http://127.0.0.1:{port}; Ctrl-C ends it"));
    assert!(said[1].starts_with("only this machine reaches it; `--listen ADDR:PORT`"), "{}", said[1]);
}

#[test]
fn paths_that_were_made_up_are_neither_obeyed_by_a_terminal_nor_remembered() {
    let workspace = built();
    let serving = Serving::start(&workspace, &[]);
    let path = "/ptrn-2/meta-data".to_owned();
    serving.get(&path).is(200, &[]);
    serving.get(&format!("//{path}")).is(200, &[]);
    serving.get("/\u{9b}2J\u{202e}").is(404, &[]);
    let out = serving.end();
    assert!(out.contains("127.0.0.1 GET /\\u{9b}2J\\u{202e} 404 "), "{out}");
    assert!(out.contains("127.0.0.1 is ptrn-2, has meta-data\n"), "{out}");
}
