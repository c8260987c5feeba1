//! The certificate authority of this c2d, made at its first start and kept in one file.
//!
//! It signs one certificate, that of c2d itself, anew at each start. Clients know it by its
//! fingerprint. Nothing in it depends on addresses or dates: machines at home change the one and
//! are wrong about the other.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use c2_shared::advice::Advice;
use c2_shared::api::upgrade::ProgramSignature;
use c2_shared::bytes64::Bytes64;
use c2_shared::fingerprint::Fingerprint;
use c2_shared::limits::TLS_NAME;
use c2_shared::secret_file::{self, SecretFileError};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SigningKey as _, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Key and certificate of the authority, in this order.
const FILE: &str = "authority.pem";
/// With what a certificate begins in that file.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
/// The one before, for as long as it is honoured.
const BEFORE: &str = "authority.before.pem";
/// What lies beside it as soon as somebody may know it.
const KNOWN_BY: [&str; 3] = ["access.json", "operator.token", "worker.token"];
/// The authority's name; nobody decides anything by it.
const NAME: &str = "C2";

/// What c2d proves itself with.
#[derive(Clone, Debug)]
pub struct Authority {
    /// What clients know it by.
    pub fingerprint: Fingerprint,
    /// What the TLS side of the listener needs.
    pub tls: Arc<ServerConfig>,
}

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error(transparent)]
    File(#[from] SecretFileError),
    #[error("{0:?} does not hold a key and a certificate")]
    Malformed(PathBuf),
    #[error("{0:?} is missing, by which all machines know this c2d")]
    Missing(PathBuf),
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    #[error("cannot use the certificate")]
    Tls(#[from] rustls::Error),
}

impl Advice for AuthorityError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(error) => return error.hint(),
            Self::Malformed(path) | Self::Missing(path) => format!(
                "restore {} from a backup; without one, make a new authority with `c2d authority rotate --now` and \
                 invite all machines again",
                path.display()
            ),
            Self::Make(_) | Self::Tls(_) => "this is a defect of c2d; please report it".to_owned(),
        })
    }
}

impl Authority {
    /// Reads the authority of a data folder, making it at the first start. One that machines know already is never
    /// replaced by itself, as that would lock all of them out.
    pub fn open(dir: &Path) -> Result<Self, AuthorityError> {
        let path = dir.join(FILE);
        let is_new = !path.exists();
        if is_new {
            if KNOWN_BY.iter().any(|name| dir.join(name).exists()) {
                return Err(AuthorityError::Missing(path));
            }
            make(&path)?;
        }
        let authority = Self::read(&path)?;
        if is_new {
            tracing::info!("a new authority was made: {}", authority.fingerprint);
        }
        Ok(authority)
    }

    /// The authority before this one, while it is still honoured.
    pub fn before(dir: &Path) -> Result<Option<Self>, AuthorityError> {
        let path = dir.join(BEFORE);
        if path.exists() { Self::read(&path).map(Some) } else { Ok(None) }
    }

    fn read(path: &Path) -> Result<Self, AuthorityError> {
        let (key, certificate) = read(path)?;
        let params = params();
        let issuer = Issuer::from_params(&params, &key);
        let own_key = KeyPair::generate()?;
        let own = own_params()?.signed_by(&own_key, &issuer)?;
        let chain = vec![own.der().clone(), certificate.clone()];
        let own_key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own_key.serialize_der()));
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(chain, own_key)?;
        Ok(Self { fingerprint: Fingerprint::of(&certificate), tls: Arc::new(tls) })
    }
}

/// The certificate of the authority of a data folder, as text.
pub(crate) fn certificate(dir: &Path) -> Result<String, AuthorityError> {
    let path = dir.join(FILE);
    let text = secret_file::read(&path)?;
    let begin = text.find(CERTIFICATE).ok_or_else(|| AuthorityError::Malformed(path))?;
    Ok(text[begin..].to_owned())
}

/// Signs a statement with the authority of a data folder, and with the one before while that is honoured.
pub(crate) fn sign(dir: &Path, statement: &[u8]) -> Result<Vec<ProgramSignature>, AuthorityError> {
    let (path, before) = (dir.join(FILE), dir.join(BEFORE));
    let paths = std::iter::once(path).chain(before.exists().then_some(before));
    paths
        .map(|path| {
            let (key, certificate) = read(&path)?;
            let signature = key.sign(statement)?;
            Ok(ProgramSignature { certificate: Bytes64(certificate.to_vec()), signature: Bytes64(signature) })
        })
        .collect()
}

/// Sees that a start can use the authorities of a data folder, as far as they are there; changes nothing.
pub(crate) fn examine(dir: &Path) -> Result<(), AuthorityError> {
    for path in [dir.join(FILE), dir.join(BEFORE)] {
        if path.exists() {
            Authority::read(&path)?;
        }
    }
    Ok(())
}

/// Puts a new authority in the place of the one in a data folder, which is kept as the one before or not
/// at all. There is one at each moment.
pub(crate) fn renew(dir: &Path, keep_before: bool) -> Result<Fingerprint, AuthorityError> {
    let (path, before) = (dir.join(FILE), dir.join(BEFORE));
    if keep_before {
        secret_file::write(&before, &secret_file::read(&path)?)?;
    } else {
        forget_before(dir).map_err(|source| SecretFileError::Io { path: before, source })?;
    }
    make(&path)?;
    Ok(Fingerprint::of(&read(&path)?.1))
}

/// Ends the authority before.
pub(crate) fn forget_before(dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(dir.join(BEFORE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a new authority, whole or not at all.
fn make(path: &Path) -> Result<(), AuthorityError> {
    let key = KeyPair::generate()?;
    let certificate = params().self_signed(&key)?;
    let text = format!("{}{}", key.serialize_pem(), certificate.pem());
    Ok(secret_file::write(path, &text)?)
}

fn read(path: &Path) -> Result<(KeyPair, CertificateDer<'static>), AuthorityError> {
    let text = secret_file::read(path)?;
    let malformed = || AuthorityError::Malformed(path.to_owned());
    let key = KeyPair::from_pem(&text).map_err(|_| malformed())?;
    let certificate = CertificateDer::from_pem_slice(text.as_bytes()).map_err(|_| malformed())?;
    Ok((key, certificate))
}

/// The authority's own certificate; always the same, so that it need not be parsed to sign with it.
fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.distinguished_name = named(NAME);
    unlimited(params)
}

fn own_params() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec![TLS_NAME.to_owned()])?;
    params.distinguished_name = named(TLS_NAME);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(unlimited(params))
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

fn unlimited(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(1970, 1, 1);
    params.not_after = date_time_ymd(4096, 1, 1);
    params
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_authority_is_made_once_and_kept_private() {
        let dir = tempfile::TempDir::new().unwrap();
        let first = Authority::open(dir.path()).unwrap();
        assert_eq!(Authority::open(dir.path()).unwrap().fingerprint, first.fingerprint);
        let path = dir.path().join(FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Authority::open(dir.path()),
            Err(AuthorityError::File(SecretFileError::Exposed { mode: 0o644, .. }))
        ));
        std::fs::remove_file(&path).unwrap();
        assert_ne!(Authority::open(dir.path()).unwrap().fingerprint, first.fingerprint);
        std::fs::write(&path, "nonsense").unwrap();
        assert!(matches!(Authority::open(dir.path()), Err(AuthorityError::Malformed(_))));
        std::fs::write(dir.path().join("operator.token"), "").unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(Authority::open(dir.path()), Err(AuthorityError::Missing(_))), "machines know the one before");
        assert!(!path.exists());
    }
}
