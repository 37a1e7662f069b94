//! The trusted CA certificates: those of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};

/// What the environment says of certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificatePaths {
    /// `SSL_CERT_FILE`.
    file: Option<PathBuf>,
    /// The folders of `SSL_CERT_DIR`.
    folders: Vec<PathBuf>,
}

/// A file or folder of certificates that the environment names and that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} names `{}`, {flaw}", .path.display())]
pub struct UnusableCertificates {
    variable: &'static str,
    path: PathBuf,
    flaw: String,
}

impl CertificatePaths {
    /// What an environment says. `get` gives the value of a variable; an empty one is as good as none.
    pub fn from_environment(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name| get(name).filter(|value| !value.is_empty());
        let folders = value("SSL_CERT_DIR").unwrap_or_default();
        Self {
            file: value("SSL_CERT_FILE").map(PathBuf::from),
            // As openssl-rehash(1) has it: several, with colons between.
            folders: std::env::split_paths(&folders)
                .filter(|folder| !folder.as_os_str().is_empty())
                .collect(),
        }
    }

    /// Reads what is named, or what the system trusts if nothing is. What cannot be read is told.
    fn load(&self) -> (Vec<CertificateDer<'static>>, Vec<UnusableCertificates>) {
        if *self == Self::default() {
            // A system without certificates can still use plain http; https then fails at its certificate.
            return (load_native_certs().certs, Vec::new());
        }
        let file = self.file.iter().map(|file| ("SSL_CERT_FILE", file));
        let (mut certificates, mut unusable) = (Vec::new(), Vec::new());
        for (variable, path) in file.chain(self.folders.iter().map(|folder| ("SSL_CERT_DIR", folder))) {
            let is_file = variable == "SSL_CERT_FILE";
            let loaded = load_certs_from_paths(
                Some(path.as_path()).filter(|_| is_file),
                Some(path.as_path()).filter(|_| !is_file),
            );
            unusable.extend(flaw(&loaded).map(|flaw| UnusableCertificates {
                variable,
                path: path.clone(),
                flaw,
            }));
            certificates.extend(loaded.certs);
        }
        (certificates, unusable)
    }
}

/// Why there are no certificates, if there are none. A folder may have other files too.
fn flaw(loaded: &CertificateResult) -> Option<String> {
    if !loaded.certs.is_empty() {
        return None;
    }
    let cause = loaded.errors.first().and_then(std::error::Error::source);
    Some(cause.map_or_else(
        || "which does not contain a certificate in PEM format".to_owned(),
        |cause| format!("which cannot be read: {cause}"),
    ))
}

/// How this machine makes TLS connections.
#[derive(Clone, Debug)]
pub(crate) struct TlsTrust {
    /// For clients.
    pub(crate) config: ClientConfig,
    /// Certificate files of the environment that cannot be used. Servers are not trusted then, which is not their fault.
    pub(crate) unusable: Vec<UnusableCertificates>,
}

impl TlsTrust {
    pub(crate) fn new(paths: &CertificatePaths) -> Self {
        let (certificates, unusable) = paths.load();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new(certificates, &provider);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has the cipher suites of TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Self { config, unusable }
    }
}

/// Verifies as rustls does, and takes a certificate for its server that is trusted itself.
///
/// webpki refuses the certificate of an authority (`CA:TRUE`, which `openssl req -x509` writes) as a server's own, also where
/// somebody put exactly this certificate among the trusted ones; OpenSSL accepts it.
#[derive(Debug)]
struct Verifier {
    roots: RootCertStore,
    trusted: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn new(trusted: Vec<CertificateDer<'static>>, provider: &CryptoProvider) -> Self {
        let mut roots = RootCertStore::empty();
        // Systems have certificates that webpki does not read; the others serve.
        roots.add_parsable_certificates(trusted.iter().cloned());
        Self { roots, trusted, algorithms: provider.signature_verification_algorithms }
    }

    /// Whether the only thing against a certificate is that it is an authority's, and it is trusted itself. webpki looks at the
    /// dates before that.
    fn is_trusted_itself(&self, certificate: &CertificateDer<'_>, error: &Error) -> bool {
        is_of_authority(error) && self.trusted.iter().any(|trusted| trusted == certificate)
    }
}

/// Whether a certificate was refused for being an authority's.
pub(super) fn is_of_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        match verify_server_cert_signed_by_trust_anchor(
            &parsed,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        ) {
            Err(error) if !self.is_trusted_itself(end_entity, &error) => return Err(error),
            _ => verify_server_name(&parsed, server_name)?,
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

    use super::*;

    fn paths(file: &str, folders: &str) -> CertificatePaths {
        CertificatePaths::from_environment(|name| match name {
            "SSL_CERT_FILE" => Some(file.into()),
            "SSL_CERT_DIR" => Some(folders.into()),
            _ => None,
        })
    }

    #[test]
    fn what_is_named_must_be_there_and_empty_values_name_nothing() {
        assert_eq!(paths("", ""), CertificatePaths::default());
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        fs_err::write(&empty, "no certificate").unwrap();
        let shown = |path: &std::path::Path| path.display().to_string();
        for (paths, said) in [
            (
                paths("/missing.pem", ""),
                "SSL_CERT_FILE names `/missing.pem`, which cannot be read: ".to_owned(),
            ),
            (paths("", "/missing"), "SSL_CERT_DIR names `/missing`, which cannot be read: ".to_owned()),
            (
                paths(&shown(&empty), ""),
                format!("SSL_CERT_FILE names `{}`, which does not contain a certificate", shown(&empty)),
            ),
            (
                paths("", &format!(":{}:", shown(folder.path()))),
                format!(
                    "SSL_CERT_DIR names `{}`, which does not contain a certificate",
                    shown(folder.path())
                ),
            ),
        ] {
            let unusable = TlsTrust::new(&paths).unusable[0].to_string();
            assert!(unusable.starts_with(&said), "{unusable}");
        }
    }

    /// The error of a self-signed certificate for `h`, trusted or not.
    fn judged(is_authority: bool, last_year: i32, name: &str, is_trusted: bool) -> Result<(), Error> {
        let mut params = CertificateParams::new(vec!["h".to_owned()]).unwrap();
        params.not_after = date_time_ymd(last_year, 1, 1);
        if is_authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let trusted = if is_trusted { vec![certificate.der().clone()] } else { Vec::new() };
        let verifier = Verifier::new(trusted, &rustls::crypto::ring::default_provider());
        let now = UnixTime::since_unix_epoch(Duration::from_hours(500_000));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        verifier.verify_server_cert(certificate.der(), &[], &name, &[], now).map(|_| ())
    }

    #[test]
    fn a_certificate_that_is_trusted_itself_is_taken_for_its_name_and_its_time() {
        for is_authority in [true, false] {
            assert_eq!(judged(is_authority, 4000, "h", true), Ok(()), "{is_authority}");
            assert!(judged(is_authority, 4000, "h", false).is_err(), "{is_authority}");
            let other = judged(is_authority, 4000, "g", true).unwrap_err();
            assert!(
                matches!(other, Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })),
                "{other:?}"
            );
            let expired = judged(is_authority, 2020, "h", true).unwrap_err();
            assert!(
                matches!(expired, Error::InvalidCertificate(CertificateError::ExpiredContext { .. })),
                "{expired:?}"
            );
        }
        assert!(is_of_authority(&judged(true, 4000, "h", false).unwrap_err()));
    }
}
