//! An HTTP server on loopback that answers as a test tells it, badly if asked to.
#![expect(clippy::disallowed_methods, reason = "a test looks at files and at the clock")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The longest that a connection is held by [`Ending::Stall`]: more than any time-out that a test waits for.
const STALL: Duration = Duration::from_secs(15);

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request(String);

impl Request {
    /// What follows the method: a path, or a URL where the server is taken for a proxy.
    pub fn target(&self) -> &str {
        self.0.split(' ').nth(1).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.0.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The first byte of the range that is asked for.
    pub fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What the server sends.
#[derive(Clone, Debug)]
pub struct Answer {
    status: String,
    headers: Vec<String>,
    body: Vec<u8>,
    ending: Ending,
}

/// What happens to the connection, after a number of bytes of body or of the whole answer.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Close,
    CloseAfterBody(usize),
    ResetAfter(usize),
    Stall(usize),
    /// So long between bytes of the body.
    Drip(Duration),
}

impl Answer {
    /// A whole file, with its length.
    pub fn ok(body: &[u8]) -> Self {
        Self::until_close(body).header(&format!("Content-Length: {}", body.len()))
    }

    /// A whole file that ends where the connection does.
    pub fn until_close(body: &[u8]) -> Self {
        Self { status: "200 OK".into(), headers: Vec::new(), body: body.to_vec(), ending: Ending::Close }
    }

    /// A file with an entity tag, or the part of it that the request asks for.
    pub fn file(body: &[u8], etag: &str, request: &Request) -> Self {
        let tag = format!("ETag: {etag}");
        match request.range() {
            Some(from) if request.header("if-range") == Some(etag) => {
                let range = format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
                Self::ok(&body[from..]).status("206 Partial Content").header(&range).header(&tag)
            }
            _ => Self::ok(body).header(&tag),
        }
    }

    pub fn error(status: &str) -> Self {
        Self::ok(b"no").status(status)
    }

    pub fn redirect(to: &str) -> Self {
        Self::error("302 Found").header(&format!("Location: {to}"))
    }

    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.status);
        self
    }

    pub fn header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }

    /// Closes the connection when so many bytes of the body are sent.
    pub fn cut(mut self, after: usize) -> Self {
        self.ending = Ending::CloseAfterBody(after);
        self
    }

    /// The same, where the body is longer than that.
    pub fn cut_if_longer(self, after: usize) -> Self {
        if self.body.len() > after { self.cut(after) } else { self }
    }

    /// Resets the connection when so many bytes, those of the head among them, are sent.
    pub fn reset(mut self, after: usize) -> Self {
        self.ending = Ending::ResetAfter(after);
        self
    }

    /// Sends nothing more after so many bytes of the body.
    pub fn stall(mut self, after: usize) -> Self {
        self.ending = Ending::Stall(after);
        self
    }

    /// Sends the body byte by byte, each after a pause.
    pub fn drip(mut self, pause: Duration) -> Self {
        self.ending = Ending::Drip(pause);
        self
    }

    fn head(&self) -> Vec<u8> {
        let lines: Vec<_> = self.headers.iter().map(|line| format!("{line}\r\n")).collect();
        format!("HTTP/1.1 {}\r\nConnection: close\r\n{}\r\n", self.status, lines.concat()).into()
    }

    /// How many bytes the whole answer has.
    pub fn len(&self) -> usize {
        self.head().len() + self.body.len()
    }

    fn send(&self, to: &mut impl Write) {
        let head = self.head();
        let end = match self.ending {
            Ending::Close => self.len(),
            Ending::CloseAfterBody(body) | Ending::Stall(body) => head.len() + body,
            Ending::ResetAfter(all) => all,
            Ending::Drip(pause) => return self.trickle(pause, to),
        };
        let all = [head, self.body.clone()].concat();
        // A client that has seen enough hangs up.
        let _ = to.write_all(&all[..end]).and_then(|()| to.flush());
    }
}

impl Answer {
    fn trickle(&self, pause: Duration, to: &mut impl Write) {
        let pieces = std::iter::once(self.head()).chain(self.body.iter().map(|byte| vec![*byte]));
        for piece in pieces {
            if to.write_all(&piece).and_then(|()| to.flush()).is_err() {
                return;
            }
            thread::sleep(pause);
        }
    }
}

type Script = dyn Fn(&Request, usize) -> Answer + Send + Sync;

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request>>>,
    closing: Arc<AtomicBool>,
    accepting: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Answers each request by `script`, which also gets the number of requests before it.
    pub fn start(script: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen("127.0.0.1:0", None, Arc::new(script))
    }

    /// The same at an address of its own: all of 127.0.0.0/8 is loopback.
    pub fn start_at(
        address: &str,
        script: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(address, None, Arc::new(script))
    }

    /// The same over TLS.
    pub fn start_tls(
        tls: ServerConfig,
        script: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen("127.0.0.1:0", Some(Arc::new(tls)), Arc::new(script))
    }

    fn listen(address: &str, tls: Option<Arc<ServerConfig>>, script: Arc<Script>) -> Self {
        let listener = TcpListener::bind(address).expect("loopback has free ports");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (requests, closing) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut server =
            Self { address, scheme, requests: requests.clone(), closing: closing.clone(), accepting: None };
        server.accepting = Some(thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                let (tls, script, requests, closing) =
                    (tls.clone(), script.clone(), requests.clone(), closing.clone());
                thread::spawn(move || match tls.and_then(|tls| ServerConnection::new(tls).ok()) {
                    Some(tls) => serve(StreamOwned::new(tls, stream), &*script, &requests, &closing),
                    None => serve(stream, &*script, &requests, &closing),
                });
            }
        }));
        server
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("no request panics").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the listener; once it has ended, its address is free for another.
        if TcpStream::connect(self.address).is_ok() {
            let _ = self.accepting.take().map(thread::JoinHandle::join);
        }
    }
}

fn serve(
    mut stream: impl Read + Write,
    script: &Script,
    requests: &Mutex<Vec<Request>>,
    closing: &AtomicBool,
) {
    let Some(request) = read_request(&mut stream) else { return };
    let before = {
        let mut requests = requests.lock().expect("no request panics");
        requests.push(request.clone());
        requests.len() - 1
    };
    let answer = script(&request, before);
    if !matches!(answer.ending, Ending::ResetAfter(_)) {
        // A connection that is closed with bytes unread is reset.
        let body = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0_usize);
        let _ = stream.read_exact(&mut vec![0; 1 + body]);
    }
    answer.send(&mut stream);
    let mut waited = Duration::ZERO;
    while matches!(answer.ending, Ending::Stall(_)) && waited < STALL && !closing.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(20));
        waited += Duration::from_millis(20);
    }
}

/// Reads the head of a request, but for its last byte.
fn read_request(stream: &mut impl Read) -> Option<Request> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r") {
        match stream.read(&mut byte) {
            Ok(1) if head.len() < 16 * 1024 => head.push(byte[0]),
            _ => return None,
        }
    }
    String::from_utf8(head).ok().map(Request)
}
