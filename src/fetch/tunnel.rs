//! Why a proxy makes no tunnel: hyper-util, which asks for it, keeps the proxy's status to itself, so that it is asked again.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{StatusCode, Url};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::proxy::Proxy;

/// The longest answer that is read, as hyper-util has it.
const MAX_ANSWER: usize = 8192;

/// What hyper-util's `TunnelError`, which it does not export, says of any status but 200 and 407.
pub(super) const REFUSED: &str = "tunnel error: unsuccessful";
/// The same of status 407.
pub(super) const LOGIN: &str = "tunnel error: proxy authorization required";

/// What the proxy answers to the request for a tunnel to the server of `url`; an error if it cannot be asked again.
pub(super) fn answer(
    proxy: &Proxy,
    url: &Url,
    tls: &ClientConfig,
    limit: Duration,
) -> io::Result<(StatusCode, HeaderMap)> {
    let until = Instant::now() + limit;
    let stream = connect(proxy.url(), until)?;
    let mut request = request(url);
    if let Some(authorization) = proxy.authorization() {
        request.extend([b"Proxy-Authorization: ", authorization.as_bytes(), b"\r\n"].concat());
    }
    request.extend(b"\r\n");
    if proxy.url().scheme() == "https" {
        let name = host(proxy.url()).trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let session = ClientConnection::new(Arc::new(tls.clone()), name).map_err(io::Error::other)?;
        return ask(StreamOwned::new(session, stream), &request, until);
    }
    ask(stream, &request, until)
}

fn request(url: &Url) -> Vec<u8> {
    let (host, port) = (host(url), url.port_or_known_default().unwrap_or(443));
    format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes()
}

fn host(url: &Url) -> &str {
    url.host_str().expect("an http or https URL has a host")
}

fn connect(proxy: &Url, until: Instant) -> io::Result<TcpStream> {
    let host = host(proxy).trim_matches(['[', ']']);
    let port = proxy.port_or_known_default().unwrap_or(80);
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                stream.set_read_timeout(Some(left))?;
                stream.set_write_timeout(Some(left))?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn ask(mut stream: impl Read + Write, request: &[u8], until: Instant) -> io::Result<(StatusCode, HeaderMap)> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while Instant::now() < until && answer.len() < MAX_ANSWER {
        let count = stream.read(&mut piece)?;
        answer.extend(&piece[..count]);
        if let Some(head) = parse(&answer) {
            return Ok(head);
        }
        if count == 0 {
            break;
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// Status and headers, once they are whole.
fn parse(answer: &[u8]) -> Option<(StatusCode, HeaderMap)> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Response::new(&mut headers);
    let is_whole = matches!(head.parse(answer), Ok(httparse::Status::Complete(_)));
    let status = StatusCode::from_u16(head.code.filter(|_| is_whole)?).ok()?;
    let pairs = head.headers.iter().filter_map(|header| {
        Some((HeaderName::try_from(header.name).ok()?, HeaderValue::from_bytes(header.value).ok()?))
    });
    Some((status, pairs.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let whole = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\n";
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_none(), "{end}");
        }
        let (status, headers) = parse(whole).unwrap();
        assert_eq!((status.as_u16(), headers["retry-after"].to_str().unwrap()), (503, "7"));
        assert!(parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_none());
    }
}
