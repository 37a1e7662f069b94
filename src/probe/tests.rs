//! That a refusal, silence and a slow answer are told apart, and that a slow member is waited for.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use rustix::net;
use serde_json::json;

use super::{Members, Probe, Reply};

const SHORT: [Duration; 3] = [Duration::from_millis(300), Duration::from_millis(600), Duration::from_secs(5)];

/// Asks with short time-outs, and gives what came back and what was said meanwhile.
fn asked(address: SocketAddr, timeouts: &[Duration]) -> (Reply, Vec<String>) {
    let said = Mutex::new(Vec::new());
    let tell = |line: &str| said.lock().unwrap().push(line.to_owned());
    let probe = Probe { name: "ptrn-1".to_owned(), url: format!("http://{address}/health") };
    let reply = Members::new(timeouts, &tell).unwrap().replies(&[probe]).remove(0);
    (reply, said.into_inner().unwrap())
}

/// A member that answers each connection after so long.
fn member(after: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().take(4) {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1024]);
                thread::sleep(after);
                let _ =
                    stream.write_all(b"HTTP/1.1 503 No\r\nContent-Length: 18\r\n\r\n{\"health\":\"false\"}");
            });
        }
    });
    address
}

#[test]
fn a_slow_member_is_asked_again_and_longer() {
    let (reply, said) = asked(member(Duration::from_millis(1500)), &SHORT);
    assert_eq!(reply, Reply::Answered { status: 503, body: Some(json!({"health": "false"})) });
    let slow = "ptrn-1: timeout: connected, but no response within";
    assert_eq!(
        said,
        [format!("{slow} 0.3 s; retrying for up to 0.6 s"), format!("{slow} 0.6 s; retrying for up to 5 s")]
    );
}

#[test]
fn a_member_that_never_answers_is_slow_and_one_that_listens_nowhere_is_not() {
    let (reply, said) = asked(member(Duration::from_mins(1)), &SHORT[..2]);
    assert_eq!((reply, said.len()), (Reply::Slow(SHORT[1]), 1));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(asked(nobody, &SHORT), (Reply::Refused, Vec::new()));
}

#[test]
fn what_is_not_http_is_said_to_be_broken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
    });
    let (reply, _) = asked(address, &SHORT);
    assert!(matches!(reply, Reply::Broken(_)), "{reply}");
}

#[test]
fn a_machine_that_takes_no_connection_is_silent() {
    // The kernel drops what comes beyond a listener's queue of one.
    let socket = net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).unwrap();
    net::bind(&socket, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    net::listen(&socket, 0).unwrap();
    let address = TcpListener::from(socket.try_clone().unwrap()).local_addr().unwrap();
    let short = Duration::from_millis(200);
    let held: Vec<_> =
        (0..4).filter_map(|_| std::net::TcpStream::connect_timeout(&address, short).ok()).collect();
    assert!(!held.is_empty());
    // A tenth of a time-out is between its connecting and its answering: enough of a second for a busy machine.
    let timeouts = [Duration::from_millis(200), Duration::from_secs(5)];
    let (reply, said) = asked(address, &timeouts);
    assert_eq!(reply, Reply::Late(timeouts[1]));
    assert_eq!(said.len(), 1);
}
