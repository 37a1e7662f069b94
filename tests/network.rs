//! The network of who runs the program: proxies and certificates that the environment names.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use imgbuild::digest::Sha256;

use super::support::authority::{alone, self_signed};
use super::support::depot::{artifact, good_server};
use super::support::server::{Answer, Server};
use super::support::workspace::{Run, Workspace};

const PROFILE: &str = "cluster: small\nnetwork: {subnet: 10.0.0.0/24}\nroles: {all: [thing]}\n\
                       nodes: [{name: one, address: 10.0.0.1, roles: [all]}]\n";
const COMPONENT: &str =
    "description: a thing\nrelease: thing\ninstall: [{from: thing, to: /usr/local/bin/thing}]\n";

/// A cluster whose release is at `url`.
fn workspace(url: &str) -> Workspace {
    Workspace::new()
        .profile(PROFILE)
        .component("thing/component.yaml", COMPONENT)
        .releases(format!(
            "releases:\n  thing:\n    version: 1.0.0\n    url: {url}\n    artifacts:\n      \
             amd64: {{sha256: {}, size: 1000, source: by hand}}\n",
            Sha256::of(artifact())
        ))
        .option("--store", "store")
}

/// `imgbuild fetch` where the environment has these variables.
fn fetch(workspace: &Workspace, variables: &[(&str, &str)]) -> Run {
    let mut command = workspace.command(&["fetch"]);
    command.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    Run::of(command.envs(variables.iter().copied()))
}

#[test]
fn a_proxy_that_cannot_be_understood_stops_the_program_and_nobody_is_asked() {
    let server = good_server();
    for (variable, value) in [
        ("HTTP_PROXY", "\"http://127.0.0.1:1\""),
        ("http_proxy", "http//127.0.0.1:1"),
        ("HTTPS_PROXY", "socks5://ann:s3cret@127.0.0.1:1"),
        ("ALL_PROXY", "http://ann:s3cret@127.0.0.1:port"),
    ] {
        let workspace = workspace(&server.url("/a"));
        for verb in ["fetch", "one", "check"] {
            let run = Run::of(workspace.command(&[verb]).env(variable, value)).exit(2).stdout("");
            run.says(&[
                &format!("the environment variable `{variable}` is not a valid proxy address"),
                "help: set ",
            ])
            .hides("s3cret")
            .hides(value);
        }
        workspace.wrote_nothing();
        let run = Run::of(workspace.command(&["fetch", "--offline"]).env(variable, value));
        run.exit(5).says(&["the network is off"]);
    }
    assert!(server.requests().is_empty(), "the server was asked without the proxy");
}

#[test]
fn a_proxy_gets_its_credentials_whatever_characters_they_have() {
    for (credentials, expected) in [
        ("ann:s3cret#pw", "ann:s3cret#pw"),
        ("ann:s3cret@pw/x?y", "ann:s3cret@pw/x?y"),
        ("ann%40corp:s3cret%3A%20x", "ann@corp:s3cret: x"),
        ("CORP\\ann:s3cret", "CORP\\ann:s3cret"),
    ] {
        let proxy = good_server();
        let workspace = workspace("http://far.invalid/a");
        let address = proxy.url("").replace("://", &format!("://{credentials}@"));
        fetch(&workspace, &[("HTTP_PROXY", &address)]).exit(0).hides("s3cret");
        let requests = proxy.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].target(), "http://far.invalid/a");
        let header = requests[0].header("proxy-authorization").unwrap().strip_prefix("Basic ").unwrap();
        assert_eq!(String::from_utf8(BASE64_STANDARD.decode(header).unwrap()).unwrap(), expected);
        drop(proxy);
        let gone = fetch(&workspace, &[("HTTP_PROXY", &address)]);
        gone.hides("s3cret").hides("ann");
    }
}

#[test]
fn no_part_of_a_password_is_shown_when_the_proxy_is_gone() {
    let workspace = workspace("http://far.invalid/a");
    for address in
        ["http://ann:s3cret#pw@127.0.0.1:1", "http://s3cret@pw@127.0.0.1:1", "ann:s3cret/pw@127.0.0.1:1"]
    {
        let run = fetch(&workspace, &[("HTTP_PROXY", address)]).exit(5);
        run.says(&["the connection to `far.invalid` through the proxy `127.0.0.1:1` was refused"])
            .hides("s3cret");
    }
}

#[test]
fn servers_of_no_proxy_are_asked_directly() {
    let server = good_server();
    let address = server.address();
    for list in ["*", "127.0.0.1", &address.to_string(), "127.0.0.0/8", "localhost, 127.0.0.1"] {
        let workspace = workspace(&server.url("/a"));
        fetch(&workspace, &[("HTTP_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", list)]).exit(0);
    }
    let workspace = workspace(&server.url("/a"));
    fetch(&workspace, &[("HTTP_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "127.0.0.1:1")]).exit(5);
    for empty in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
        fetch(&workspace, &[(empty, "")]).exit(0);
    }
}

#[test]
fn a_proxy_that_makes_no_tunnel_is_quoted_and_asked_again_only_where_that_may_help() {
    for (status, tries, said) in [
        ("403 Forbidden", 1, "refused to connect to `far.invalid`: status 403 Forbidden\n"),
        ("407 Proxy Authentication Required", 1, "requires a user and a password\n"),
        (
            "503 Service Unavailable",
            5,
            "refused to connect to `far.invalid`: status 503 Service Unavailable (5 tries)",
        ),
    ] {
        let proxy = Server::start(move |_, _| Answer::error(status));
        let workspace = workspace("https://far.invalid/a");
        let address = proxy.url("").replace("://", "://ann:s3cret@");
        fetch(&workspace, &[("HTTPS_PROXY", &address)]).exit(5).says(&[said]).hides("s3cret");
        let requests = proxy.requests();
        // A proxy that refused is asked once more, for its status.
        let asked = if tries == 1 && status.starts_with("407") { 1 } else { 2 * tries };
        assert_eq!(requests.len(), asked, "{status}");
        for request in requests {
            assert_eq!(request.target(), "far.invalid:443");
            assert!(request.header("proxy-authorization").is_some(), "{request:?}");
        }
    }
}

#[test]
fn certificates_that_are_named_and_missing_are_said() {
    let server = Server::start_tls(self_signed().unwrap(), |_, _| Answer::ok(&artifact()));
    let workspace = workspace(&server.url("/a"));
    let unknown = "its certificate is signed by an authority that this machine does not trust";
    fetch(&workspace, &[("SSL_CERT_FILE", "/missing/ca.pem")])
        .exit(5)
        .says(&[unknown, "SSL_CERT_FILE names `/missing/ca.pem`, which cannot be read: "]);
    fetch(&workspace, &[("SSL_CERT_DIR", "/missing/certs")])
        .exit(5)
        .says(&["SSL_CERT_DIR names `/missing/certs`"]);
    fetch(&workspace, &[("SSL_CERT_FILE", "")]).exit(5).says(&[unknown]).hides("SSL_CERT_FILE names");
}

#[test]
fn a_certificate_that_is_trusted_itself_will_do() {
    for is_authority in [true, false] {
        let (config, pem) = alone(is_authority).unwrap();
        let server = Server::start_tls(config, |_, _| Answer::ok(&artifact()));
        let workspace = workspace(&server.url("/a")).file("own.pem", pem);
        let untrusted = fetch(&workspace, &[]).exit(5);
        if is_authority {
            untrusted.says(&[
                "its certificate is that of a certificate authority (CA:TRUE), and is not trusted itself",
            ]);
        }
        fetch(&workspace, &[("SSL_CERT_FILE", workspace.path("own.pem").to_str().unwrap())]).exit(0);
    }
}

#[test]
fn a_proxy_may_be_reached_over_tls() {
    let (config, pem) = alone(true).unwrap();
    let proxy = Server::start_tls(config, |_, _| Answer::ok(&artifact()));
    let workspace = workspace("http://far.invalid/a").file("own.pem", pem);
    let trusted = workspace.path("own.pem");
    let address = proxy.url("").replace("://", "://ann:s3cret@");
    let variables = [("HTTP_PROXY", address.as_str()), ("SSL_CERT_FILE", trusted.to_str().unwrap())];
    fetch(&workspace, &variables).exit(0);
    assert_eq!(proxy.requests()[0].target(), "http://far.invalid/a");
    assert!(proxy.requests()[0].header("proxy-authorization").is_some());
}

#[test]
fn plain_http_at_the_port_of_https_is_named() {
    // As web servers answer to what is no request.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let workspace = workspace(&format!("https://{}/a", listener.local_addr().unwrap()));
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 64]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    fetch(&workspace, &[]).exit(5).says(&["the server does not speak TLS at this port"]);
    server.join().unwrap();
}
