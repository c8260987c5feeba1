//! TLS as clients of c2d want it: exactly one c2d, known by its fingerprint, or nobody.
//!
//! Neither names nor dates nor the system's list of authorities count: machines at home change
//! their addresses and have wrong clocks, and no authority vouches for them.

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, PeerIncompatible, RootCertStore,
    SignatureScheme,
};

use crate::fingerprint::Fingerprint;
use crate::limits::TLS_NAME;

/// By which authorities a client knows its c2d: one, and the one after it once that was told.
#[derive(Debug)]
pub(super) struct Trust {
    known: Fingerprint,
    name: [DistinguishedName; 1],
    next: OnceLock<(Fingerprint, [DistinguishedName; 1])>,
}

impl Trust {
    pub(super) fn new(known: Fingerprint) -> Self {
        Self { known, name: [known.as_name().into()], next: OnceLock::new() }
    }

    /// By which it will be known.
    pub(super) fn latest(&self) -> Fingerprint {
        self.next.get().map_or(self.known, |(next, _)| *next)
    }

    pub(super) const fn known(&self) -> Fingerprint {
        self.known
    }

    /// Whether this is news: neither known nor told before.
    pub(super) fn is_new(&self, told: Fingerprint) -> bool {
        told != self.known && self.next.get().is_none()
    }

    /// c2d goes on under another authority.
    pub(super) fn go_on(&self, next: Fingerprint) {
        let _first = self.next.set((next, [next.as_name().into()]));
    }

    pub(super) fn fits(&self, shown: &CertificateDer<'_>) -> bool {
        self.known.fits(shown) || self.next.get().is_some_and(|(next, _)| next.fits(shown))
    }
}

/// What a client shows and accepts when it speaks to this one c2d.
pub(super) fn config(trust: Arc<Trust>) -> ClientConfig {
    with(Arc::new(ring::default_provider()), Some(trust))
}

/// Accepts nobody, for clients that do not speak TLS.
pub(super) fn nobody() -> ClientConfig {
    with(Arc::new(ring::default_provider()), None)
}

fn with(provider: Arc<CryptoProvider>, trust: Option<Arc<Trust>>) -> ClientConfig {
    let verifier = Arc::new(OneAuthority { trust, provider: provider.clone() });
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring speaks TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth()
}

/// Whether a connection failed because somebody else answered.
pub(super) fn is_stranger(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if matches!(error.downcast_ref::<Error>(), Some(Error::InvalidCertificate(_))) {
            return true;
        }
        // An I/O error hides what it was made of from `source`.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

/// Trusts the certificate that the authority with this fingerprint gave to c2d.
struct OneAuthority {
    trust: Option<Arc<Trust>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for OneAuthority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let is_ours = |shown: &&CertificateDer<'_>| self.trust.as_ref().is_some_and(|trust| trust.fits(shown));
        let authority = intermediates.iter().find(is_ours).ok_or(CertificateError::UnknownIssuer)?;
        let mut roots = RootCertStore::empty();
        roots.add(authority.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|e| Error::General(e.to_string()))?;
        let name = ServerName::try_from(TLS_NAME).map_err(|e| Error::General(e.to_string()))?;
        verifier.verify_server_cert(end_entity, &[], &name, &[], now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    /// Whom this client knows, so that a c2d with two authorities shows itself by the right one.
    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        let trust = self.trust.as_ref()?;
        Some(trust.next.get().map_or(&trust.name, |(_, name)| name))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for OneAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneAuthority").field("trust", &self.trust).finish_non_exhaustive()
    }
}
