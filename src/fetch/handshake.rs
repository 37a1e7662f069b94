//! Explains TLS errors in words for users (pure); rustls names them for programmers.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

use super::trust::is_of_authority;
use crate::date::Date;

/// What went wrong with a TLS handshake.
pub(super) fn flaw(error: &Error) -> String {
    match error {
        error if is_of_authority(error) => {
            "its certificate is that of a certificate authority (CA:TRUE), and is not trusted itself"
                .to_owned()
        }
        Error::InvalidCertificate(error) => certificate(error),
        Error::NoCertificatesPresented => "the server sent no certificate".to_owned(),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS at this port; it may expect `http://`".to_owned()
        }
        Error::AlertReceived(alert) => format!("the server refused it: {}", refusal(*alert)),
        Error::PeerIncompatible(what) => {
            format!("the server supports no version of TLS, or no cipher, that imgbuild supports ({what:?})")
        }
        other => other.to_string(),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "its certificate is signed by an authority that this machine does not trust".to_owned()
        }
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("its certificate expired on {}", Date::from_epoch(not_after.as_secs()))
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is not valid before {}", Date::from_epoch(not_before.as_secs()))
        }
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "its certificate does not contain a name (subjectAltName)".to_owned()
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().map(|name| bare(name)).collect();
            format!("its certificate is for other names: {}", names.join(", "))
        }
        CertificateError::BadSignature => "its certificate's signature is wrong".to_owned(),
        CertificateError::BadEncoding => "its certificate is malformed".to_owned(),
        CertificateError::InvalidPurposeContext { .. } | CertificateError::InvalidPurpose => {
            "its certificate is not valid for servers".to_owned()
        }
        CertificateError::Other(other) => match other.0.downcast_ref() {
            Some(webpki::Error::UnsupportedCertVersion) => {
                "its certificate is of X.509 version 1, expected version 3".to_owned()
            }
            _ => format!("its certificate is not valid: {}", other.0),
        },
        other => format!("its certificate is not valid: {other}"),
    }
}

/// `DnsName("a")`, as rustls writes it, without what a person does not need.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

/// The alerts of RFC 8446, section 6.2, that a client can meet.
fn refusal(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => {
            "no cipher that both sides support".to_owned()
        }
        AlertDescription::ProtocolVersion => "no version of TLS that both sides support".to_owned(),
        AlertDescription::UnrecognisedName => "it does not have a certificate for this name".to_owned(),
        AlertDescription::CertificateRequired => "it requires a client certificate".to_owned(),
        AlertDescription::AccessDenied => "access denied".to_owned(),
        AlertDescription::InternalError => "an internal error".to_owned(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::OtherError;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    #[test]
    fn no_name_of_a_variant_is_shown() {
        let time = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let names = |presented: &[&str]| CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("h").unwrap(),
            presented: presented.iter().map(|&name| name.to_owned()).collect(),
        };
        let other = |error: webpki::Error| CertificateError::Other(OtherError(Arc::new(error)));
        for (error, said) in [
            (
                CertificateError::UnknownIssuer.into(),
                "signed by an authority that this machine does not trust",
            ),
            (
                CertificateError::ExpiredContext { time: time(86_400), not_after: time(0) }.into(),
                "its certificate expired on 1970-01-01",
            ),
            (names(&["DnsName(\"a\")", "IpAddress(10.0.0.1)"]).into(), "for other names: a, 10.0.0.1"),
            (names(&[]).into(), "does not contain a name (subjectAltName)"),
            (other(webpki::Error::CaUsedAsEndEntity).into(), "is that of a certificate authority (CA:TRUE)"),
            (other(webpki::Error::UnsupportedCertVersion).into(), "X.509 version 1"),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "does not speak TLS"),
            (Error::AlertReceived(AlertDescription::ProtocolVersion), "no version of TLS"),
        ] {
            let flaw = flaw(&error);
            assert!(flaw.contains(said), "{flaw}");
        }
    }
}
