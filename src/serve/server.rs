//! Accepts connections and answers requests until it is stopped.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::{set_socket_send_buffer_size, set_tcp_user_timeout};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::answer::answer;
use super::body::OnServed;
use super::connections::{ConnectionLimits, ConnectionSlots};
use super::site::Site;

/// How long a client may take to say what it wants.
const HEAD: Duration = Duration::from_secs(10);
/// How long a client may be away, in milliseconds.
const SILENCE: u32 = 60_000;
/// How long is waited where no connection can be taken: a process has only so many files.
const PAUSE: Duration = Duration::from_millis(100);
/// How much the kernel keeps of an answer for a client that is slow. Its own limit of some megabytes would hide for minutes
/// whether the client reads.
const SENT_AHEAD: usize = 256 * 1024;
/// What a client hears whose address has too many connections, or where all are taken. It will be back: so will its turn.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// Answers on `listener` until `stop` is notified; all that is under way then ends. Tells `report` of each request.
pub fn serve(
    listener: TcpListener,
    site: Site,
    limits: ConnectionLimits,
    stop: &Notify,
    report: OnServed,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(accept(listener, Arc::new(site), limits, report));
        stop.notified().await;
        Ok(())
    })
}

async fn accept(
    listener: tokio::net::TcpListener,
    site: Arc<Site>,
    limits: ConnectionLimits,
    report: OnServed,
) {
    let places = ConnectionSlots::new(limits);
    loop {
        let Ok((stream, address)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let Some(place) = places.take(address.ip()) else {
            // As far as it can be written without waiting.
            let _ = stream.try_write(BUSY);
            continue;
        };
        let (site, report) = (site.clone(), report.clone());
        tokio::spawn(async move {
            connection(stream, address, site, limits, report).await;
            drop(place);
        });
    }
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    site: Arc<Site>,
    limits: ConnectionLimits,
    report: OnServed,
) {
    if set_tcp_user_timeout(&stream, SILENCE).is_err()
        || set_socket_send_buffer_size(&stream, SENT_AHEAD).is_err()
    {
        return;
    }
    let sent = Arc::new(AtomicU64::new(0));
    let service = service_fn(|request| {
        let response = answer(&site, &request, address.ip(), &sent, &report);
        async { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(16 * 1024).keep_alive(false);
    let mut answering = pin!(http.serve_connection(TokioIo::new(stream), service));
    let mut before = 0;
    // A client that goes away has its line in the log like any other, as has one that is sent away: it reads too little.
    while timeout(limits.window, &mut answering).await.is_err() {
        let now = sent.load(Ordering::Relaxed);
        if now - before < limits.least {
            return;
        }
        before = now;
    }
}
