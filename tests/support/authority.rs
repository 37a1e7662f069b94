//! Certificates for servers of tests.

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    own: Certificate,
}

impl Authority {
    pub fn new(name: &str) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let own = params.self_signed(&key)?;
        Ok(Self { issuer: Issuer::new(params, key), own })
    }

    /// The authority's own certificate, as a file of trusted ones has it.
    pub fn pem(&self) -> String {
        self.own.pem()
    }

    /// What a server at 127.0.0.1 needs to have a certificate of this authority, good until the end of a year.
    pub fn server(&self, last_year: i32) -> anyhow::Result<ServerConfig> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        params.not_after = date_time_ymd(last_year, 12, 31);
        serving(params.signed_by(&key, &self.issuer)?, &key)
    }
}

/// What a server at 127.0.0.1 needs to have a certificate that nobody else vouches for.
pub fn self_signed() -> anyhow::Result<ServerConfig> {
    Ok(alone(false)?.0)
}

/// The same with the certificate as a file has it; it may be one of an authority, as `openssl req -x509` makes it.
pub fn alone(is_authority: bool) -> anyhow::Result<(ServerConfig, String)> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    if is_authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let certificate = params.self_signed(&key)?;
    let pem = certificate.pem();
    Ok((serving(certificate, &key)?, pem))
}

fn serving(certificate: Certificate, key: &KeyPair) -> anyhow::Result<ServerConfig> {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    // Fails where another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = ServerConfig::builder().with_no_client_auth();
    Ok(config.with_single_cert(vec![certificate.into()], key.into())?)
}
