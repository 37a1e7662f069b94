//! Decides how a request is answered.

use std::io::{Seek as _, SeekFrom};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_RANGE, RANGE,
};
use hyper::{Method, Request, Response, StatusCode};

use super::body::{BodySource, OnServed, ResponseBody, Served};
use super::catalogue::Item;
use super::range::{RequestedRange, wanted};
use super::site::{Refusal, Site};

/// An answer, before it is one of hyper's.
struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    content: BodySource,
    length: u64,
    item: Option<(Item, u64)>,
}

impl Answer {
    fn text(status: StatusCode, why: &str) -> Self {
        let text = format!("{}: {why}\n", status.as_str());
        let length = text.len() as u64;
        Self { status, headers: Vec::new(), content: BodySource::Text(text), length, item: None }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The answer to a request from `address`, whose bytes are counted as they are `sent`.
pub(super) fn answer<B>(
    site: &Site,
    request: &Request<B>,
    address: IpAddr,
    sent: &Arc<AtomicU64>,
    report: &OnServed,
) -> Response<ResponseBody> {
    let (method, path) = (request.method(), request.uri().path());
    let answer = match *method {
        Method::GET | Method::HEAD => file(site, path, request.headers()),
        _ => {
            let refused = Answer::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are supported");
            refused.with(ALLOW, "GET, HEAD")
        }
    };
    let served = Served {
        address: address.to_canonical(),
        method: method.to_string(),
        path: path.to_owned(),
        status: answer.status.as_u16(),
        bytes: 0,
        item: answer.item,
    };
    let length = if *method == Method::HEAD { 0 } else { answer.length };
    let mut response =
        Response::new(ResponseBody::new(answer.content, length, served, sent.clone(), report.clone()));
    *response.status_mut() = answer.status;
    let length = (CONTENT_LENGTH, answer.length.to_string());
    let kind = (CONTENT_TYPE, "application/octet-stream".to_owned());
    for (name, value) in answer.headers.into_iter().chain([length, kind]) {
        // All of them are digits, hex digits and words of this file.
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn file(site: &Site, path: &str, headers: &HeaderMap) -> Answer {
    let (item, mut file) = match site.find(path.trim_start_matches('/')) {
        Ok(found) => found,
        Err(Refusal::Unknown) => {
            return Answer::text(StatusCode::NOT_FOUND, "no manifest lists this file, or it was removed");
        }
        Err(Refusal::Private) => {
            return Answer::text(StatusCode::FORBIDDEN, "this holds secrets, which are not served");
        }
        Err(Refusal::Changed) => {
            return Answer::text(
                StatusCode::CONFLICT,
                "this file does not match its manifest; build the node again",
            );
        }
    };
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let tag = format!("\"{}\"", item.sha256);
    // A part of another file than the client began with is of no use to it.
    let range = text(RANGE).filter(|_| text(IF_RANGE).is_none_or(|known| known == tag));
    let size = item.size;
    let (status, part) = match wanted(range, size) {
        RequestedRange::Whole => (StatusCode::OK, 0..size),
        RequestedRange::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
        RequestedRange::Nothing => {
            let refused = Answer::text(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "the range starts beyond the end of the file",
            );
            return refused.with(CONTENT_RANGE, format!("bytes */{size}"));
        }
    };
    if file.seek(SeekFrom::Start(part.start)).is_err() {
        return Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "failed to read the file");
    }
    let (content, length) = (BodySource::File(file), part.end - part.start);
    let answer = Answer { status, headers: Vec::new(), content, length, item: Some((item, part.start)) };
    let answer = answer.with(ETAG, tag).with(ACCEPT_RANGES, "bytes");
    if status == StatusCode::PARTIAL_CONTENT {
        return answer.with(CONTENT_RANGE, format!("bytes {}-{}/{size}", part.start, part.end - 1));
    }
    answer
}
