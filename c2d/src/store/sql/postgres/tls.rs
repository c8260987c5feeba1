//! TLS to the server: rustls, as everywhere here. The server's certificate is always verified, by the
//! authorities of a file or by the system's.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::{Connect, TlsConnector, client};

use crate::store::StoreError;
use crate::store::sql::postgres::Target;

/// Where Debian and its relatives keep the system's authorities, and where others do.
const SYSTEM: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// Makes connections private.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    pub(super) fn of(target: &Target) -> Result<Self, StoreError> {
        let mut roots = RootCertStore::empty();
        let files: Vec<_> = match &target.root_file {
            Some(file) => vec![file.clone()],
            None => SYSTEM.iter().map(Into::into).filter(|path: &std::path::PathBuf| path.exists()).take(1).collect(),
        };
        for path in files {
            let unreadable = |error: rustls::pki_types::pem::Error| StoreError::File {
                path: path.clone(),
                source: io::Error::other(error.to_string()),
            };
            for certificate in CertificateDer::pem_file_iter(&path).map_err(unreadable)? {
                // One that rustls does not understand proves nothing, and the others are as good as before.
                let _unknown = roots.add(certificate.map_err(unreadable)?);
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has the versions that rustls takes for safe")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = std::convert::Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Self::Error> {
        Ok(Handshake { config: Arc::clone(&self.0), name: host.to_owned() })
    }
}

pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    /// Empty for a socket of this machine, over which no server offers TLS.
    name: String,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Connecting;

    fn connect(self, socket: Socket) -> Connecting {
        match ServerName::try_from(self.name) {
            Ok(name) => Connecting(Ok(TlsConnector::from(self.config).connect(name, socket))),
            Err(error) => Connecting(Err(Some(io::Error::other(error)))),
        }
    }
}

pub(super) struct Connecting(Result<Connect<Socket>, Option<io::Error>>);

impl Future for Connecting {
    type Output = io::Result<Stream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Stream>> {
        match &mut self.0 {
            Ok(handshake) => Pin::new(handshake).poll(cx).map_ok(Stream),
            Err(error) => Poll::Ready(Err(error.take().unwrap_or_else(|| io::ErrorKind::NotConnected.into()))),
        }
    }
}

pub(super) struct Stream(client::TlsStream<Socket>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
