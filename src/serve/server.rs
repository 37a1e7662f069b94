//! Takes connections and answers on them, until it is told to stop.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::{Notify, Semaphore};

use super::answer::answer;
use super::body::Report;
use super::site::Site;

/// How many connections are open at once; others wait until one of them is over.
const CONNECTIONS: usize = 128;
/// How long a client may take to say what it wants.
const HEAD: Duration = Duration::from_secs(10);
/// How long a client may read nothing, or be away, in milliseconds.
const SILENCE: u32 = 60_000;
/// How long is waited where no connection can be taken: a process has only so many files.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until `stop` is notified; all that is under way then ends. Tells `report` of each request.
pub fn serve(listener: TcpListener, site: Site, stop: &Notify, report: Report) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(accept(listener, Arc::new(site), report));
        stop.notified().await;
        Ok(())
    })
}

async fn accept(listener: tokio::net::TcpListener, site: Arc<Site>, report: Report) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Ok(place) = places.clone().acquire_owned().await {
        let Ok((stream, address)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (site, report) = (site.clone(), report.clone());
        tokio::spawn(async move {
            connection(stream, address, site, report).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, address: SocketAddr, site: Arc<Site>, report: Report) {
    if rustix::net::sockopt::set_tcp_user_timeout(&stream, SILENCE).is_err() {
        return;
    }
    let service = service_fn(|request| {
        let response = answer(&site, &request, address.ip(), &report);
        async { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(16 * 1024).keep_alive(false);
    // A client that goes away has its line in the log like any other.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}
