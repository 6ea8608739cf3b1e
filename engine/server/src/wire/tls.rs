//! The server's certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pgwire::api::auth::sasl::scram::ScramServerAuth;
use pgwire::tokio::TlsAcceptor;
use pgwire::tokio::tokio_rustls::rustls;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate that cannot be used; the server does not start without it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The file is not there or is not PEM.
    #[error("cannot read {what} from {}: {reason}", path.display())]
    Unreadable {
        /// Certificate or key.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// rustls refuses it.
    #[error("certificate {} and key {} cannot be used: {reason}", certificate.display(), key.display())]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        reason: String,
    },
}

/// What a connection needs to speak TLS.
#[derive(Clone)]
pub(crate) struct Tls {
    /// Accepts handshakes.
    pub(crate) acceptor: TlsAcceptor,
    /// The login's SCRAM with this certificate for channel binding, where its signature algorithm has one.
    pub(crate) binding: Option<ScramServerAuth>,
}

/// Loads a certificate chain and its key (PKCS#8, PKCS#1 or SEC1) from PEM files.
pub(crate) fn load(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
    let unreadable = |what, path: &Path, reason: String| TlsError::Unreadable {
        what,
        path: path.to_owned(),
        reason,
    };
    let pem = std::fs::read(certificate)
        .map_err(|error| unreadable("the certificate", certificate, error.to_string()))?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable("the certificate", certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(unreadable(
            "the certificate",
            certificate,
            "it holds no CERTIFICATE block".to_owned(),
        ));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| unreadable("the private key", key, error.to_string()))?;
    let unusable = |reason: String| TlsError::Unusable {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
        reason,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| unusable(error.to_string()))?;
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    // RFC 5929 defines no binding for Ed25519: such a server offers plain SCRAM-SHA-256, as PostgreSQL does.
    let mut scram = ScramServerAuth::new();
    let binding = scram.configure_certificate(&pem).ok().map(|()| scram);
    Ok(Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        binding,
    })
}
