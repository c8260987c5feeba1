//! What a client shows to c2d and by what it knows it, as a pass says. When c2d refuses one, another may lie in its
//! file already: then the client goes on with that.

use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{Client, tls};
use crate::client::ClientError;
use crate::fingerprint::Fingerprint;
use crate::limits::{CONNECT_TIMEOUT_MS, UNUSED_CONNECTION_MS};
use crate::pass::Pass;
use crate::token::Token;

/// How c2d is reached.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// Over the network, from this address if one is given.
    From { source: Option<IpAddr>, is_near: bool },
    /// By the socket in its folder.
    Socket(Arc<Path>),
}

/// What is shown, and the connections over which it is.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) http: reqwest::Client,
    pub(super) scheme: &'static str,
    pub(super) token: Option<Token>,
    pub(super) trust: Option<Arc<tls::Trust>>,
}

impl Shown {
    pub(super) fn new(
        server: &str,
        token: Option<Token>,
        fingerprint: Option<Fingerprint>,
        way: &Way,
    ) -> Result<Self, ClientError> {
        // Proxies are for the web; C2 speaks to machines at home and must not leak its token.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
            .pool_idle_timeout(Duration::from_millis(UNUSED_CONNECTION_MS))
            .tcp_nodelay(true);
        let (http, is_near, fingerprint) = match way {
            Way::From { source, is_near } => (http.local_address(*source), *is_near, fingerprint),
            // Nobody else gets there, so nothing is encrypted or proved.
            Way::Socket(path) => (http.unix_socket(&**path), true, None),
        };
        let trust = fingerprint.map(|fingerprint| Arc::new(tls::Trust::new(fingerprint)));
        let (scheme, http) = match &trust {
            Some(trust) => ("https", http.tls_backend_preconfigured(tls::config(Arc::clone(trust)))),
            None if is_near => ("http", http.tls_backend_preconfigured(tls::nobody())),
            None => return Err(ClientError::Untrusted { server: server.to_owned() }),
        };
        let http = http.build().map_err(|e| ClientError::transport(server, e))?;
        Ok(Self { http, scheme, token, trust })
    }

    /// Notes in the file of its pass under which authority c2d goes on.
    pub(super) fn write_down(&self, file: &Path, known: Fingerprint, told: Fingerprint) -> Option<()> {
        let pass = Pass::read(file).ok().filter(|pass| Some(&pass.token) == self.token.as_ref())?;
        if pass.fingerprint == Some(told) {
            return Some(());
        }
        // Somebody else may have given it another one meanwhile.
        let is_ours = pass.fingerprint == Some(known);
        is_ours.then(|| Pass { fingerprint: Some(told), ..pass }.write(file).ok())?
    }

    /// Whether a pass is what is shown already, or is for something else.
    fn stays_with(&self, pass: &Pass, way: &Way) -> bool {
        let knows = match (way, &self.trust) {
            (Way::Socket(_), _) => true,
            (Way::From { .. }, trust) => trust.as_ref().map(|trust| trust.latest()) == pass.fingerprint,
        };
        let is_for_another = self.token.as_ref().is_some_and(|token| token.role() != pass.token.role());
        is_for_another || knows && self.token.as_ref() == Some(&pass.token)
    }
}

impl Client {
    pub(super) fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// c2d refused what was shown, or is not known by it: whether there is something else to show now. c2d writes
    /// a new token, and a new authority, into the files of its folder before it goes by them.
    pub(super) fn renew(&self, refused: &Arc<Shown>) -> bool {
        let present = self.shown();
        if !Arc::ptr_eq(&present, refused) {
            return true;
        }
        let pass = self.pass_file.as_ref().and_then(|file| Pass::read(file).ok());
        let Some(pass) = pass.filter(|pass| !present.stays_with(pass, &self.way)) else { return false };
        let Ok(next) = Shown::new(self.server(), Some(pass.token), pass.fingerprint, &self.way) else { return false };
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        true
    }
}
