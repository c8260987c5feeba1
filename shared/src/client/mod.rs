//! The one typed client of c2d's HTTP interface: what the console and the agent call.
//!
//! Every endpoint can be called by its value; one error type, every call with a time limit. It neither retries nor waits;
//! the caller knows whether a repetition is harmless.

mod accepted;
mod blobs;
mod calls;
mod error;
mod events;
mod line;
mod output;
mod signed;
mod sse;
mod tls;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{ClientBuilder, Method, Request, RequestBuilder, Response, StatusCode};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::endpoint::{self, Endpoint, PathValues};
use crate::api::error::{ErrorBody, ErrorCode};
use crate::api::tokens::AUTHORITY_HEADER;
use crate::api::upgrade::{ProgramOffer, ProgramSignature};
use crate::fingerprint::Fingerprint;
use crate::limits::{ANSWER_TIMEOUT_MS, CONNECT_TIMEOUT_MS, UNUSED_CONNECTION_MS};
use crate::pass::Pass;
use crate::server_address::ServerAddress as Address;
use crate::token::Token;

pub use accepted::Accepted;
pub use blobs::{Progress, TransferError};
pub use error::ClientError;
pub use events::{EventStream, FollowStream};
pub use line::Priority;
pub use output::{Gap, OutputBytes};

/// What to do where no token was found.
const NO_TOKEN: &str = "name its file with --token-file, or c2d's data folder with --data-dir; for a c2d of another user \
    or machine, `c2d invite --role operator` there prints the line for `c2-tui login`";

/// Speaks to one c2d with one token, or to whichever of several leads. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    scheme: &'static str,
    servers: Arc<[String]>,
    /// Which of them answered last, or is tried next.
    at: Arc<AtomicUsize>,
    token: Option<Token>,
    trust: Option<Arc<tls::Trust>>,
    /// Where its pass lies, to be kept up to date.
    pass_file: Option<Arc<Path>>,
    line: line::Line,
}

impl Client {
    /// A client for the c2d at `server`. What `pass` says of the server is not looked at, but its
    /// fingerprint is: with one, everything goes through TLS to that c2d or not at all; without
    /// one, nothing leaves this machine. With `source`, connections come from that address, so that
    /// a worker with several is known by the right one.
    ///
    /// # Errors
    /// [`ClientError::Untrusted`] for a c2d on another machine that nothing is known of, and when
    /// the HTTP stack cannot be set up.
    pub fn new(server: &Address, pass: Option<Pass>, source: Option<IpAddr>) -> Result<Self, ClientError> {
        let (token, fingerprint) = pass.map_or((None, None), |pass| (Some(pass.token), pass.fingerprint));
        Self::by(server, token, fingerprint, server.is_loopback(), |http| http.local_address(source))
    }

    /// A client for the c2d of this user on this machine, by the socket in its folder. Nobody else gets there, so nothing
    /// is encrypted or proved.
    ///
    /// # Errors
    /// When the HTTP stack cannot be set up.
    pub fn near(server: &Address, pass: Option<Pass>, socket: &Path) -> Result<Self, ClientError> {
        Self::by(server, pass.map(|pass| pass.token), None, true, |http| http.unix_socket(socket))
    }

    /// One that shows no token, to the c2d that is known by this fingerprint.
    ///
    /// # Errors
    /// When the HTTP stack cannot be set up.
    pub fn without_token(server: &Address, fingerprint: Fingerprint) -> Result<Self, ClientError> {
        Self::by(server, None, Some(fingerprint), false, |http| http)
    }

    fn by(
        server: &Address,
        token: Option<Token>,
        fingerprint: Option<Fingerprint>,
        is_near: bool,
        way: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, ClientError> {
        let (servers, server) = (server.each().into(), server.to_string());
        // Proxies are for the web; C2 speaks to machines at home and must not leak its token.
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(CONNECT_TIMEOUT_MS))
            .pool_idle_timeout(Duration::from_millis(UNUSED_CONNECTION_MS))
            .tcp_nodelay(true);
        let trust = fingerprint.map(|fingerprint| Arc::new(tls::Trust::new(fingerprint)));
        let (scheme, http) = match &trust {
            Some(trust) => ("https", http.tls_backend_preconfigured(tls::config(Arc::clone(trust)))),
            None if is_near => ("http", http.tls_backend_preconfigured(tls::nobody())),
            None => return Err(ClientError::Untrusted { server }),
        };
        let http = way(http).build().map_err(|e| ClientError::transport(&server, e))?;
        Ok(Self {
            http,
            scheme,
            servers,
            at: Arc::default(),
            token,
            trust,
            pass_file: None,
            line: line::Line::default(),
        })
    }

    /// The same with a pass from this file, in which is written down under which authority c2d goes on.
    #[must_use]
    pub fn kept_in(self, file: &Path) -> Self {
        Self { pass_file: Some(file.into()), ..self }
    }

    /// Has blobs on their way by this client and its clones wait, so that something that is due has the line
    /// for itself.
    #[must_use]
    pub fn goes_first(&self) -> Priority {
        self.line.take()
    }

    /// Where it speaks to, as `host:port`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.servers[self.at.load(Ordering::Relaxed) % self.servers.len()]
    }

    /// Whether it shows a token.
    #[must_use]
    pub const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Calls an endpoint that takes neither a query nor a body.
    ///
    /// # Errors
    /// When c2d cannot be reached or refuses, as with every call.
    pub async fn call<P, A>(&self, endpoint: &Endpoint<P, (), (), A>, path: &P) -> Result<A, ClientError>
    where
        P: PathValues + ?Sized,
        A: DeserializeOwned,
    {
        self.answer(self.request(endpoint, path)?, 0).await
    }

    /// The same, with a query.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn ask<P, Q, A>(&self, endpoint: &Endpoint<P, Q, (), A>, path: &P, query: &Q) -> Result<A, ClientError>
    where
        P: PathValues + ?Sized,
        Q: Serialize,
        A: DeserializeOwned,
    {
        self.answer(self.request(endpoint, path)?.query(query), 0).await
    }

    /// The same, with a JSON body.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn post<P, B, A>(&self, endpoint: &Endpoint<P, (), B, A>, path: &P, body: &B) -> Result<A, ClientError>
    where
        P: PathValues + ?Sized,
        B: Serialize,
        A: DeserializeOwned,
    {
        self.answer(self.request(endpoint, path)?.json(body), 0).await
    }

    /// What stands for nothing in a path, or for the way up, would lead to another endpoint.
    fn request<P: PathValues + ?Sized, Q, B, A>(
        &self,
        endpoint: &Endpoint<P, Q, B, A>,
        path: &P,
    ) -> Result<RequestBuilder, ClientError> {
        match path.texts().into_iter().find(|text| matches!(text.as_str(), "" | "." | "..")) {
            Some(text) => Err(ClientError::Nameless { text }),
            None => Ok(self.prepare(method(endpoint.method), &endpoint.at(path))),
        }
    }

    fn prepare(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}://{}{path}", self.scheme, self.server()));
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    /// Sends a request and reads its JSON answer; c2d may take `wait_s` longer than usual.
    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder, wait_s: u64) -> Result<T, ClientError> {
        let response = self.send(request.timeout(Self::limit(wait_s))).await?;
        body(self.server(), response).await
    }

    /// How long an answer may take, of which c2d may wait so much.
    const fn limit(wait_s: u64) -> Duration {
        Duration::from_millis(ANSWER_TIMEOUT_MS + 1_000 * wait_s)
    }

    /// Sends a request; an answer of 400 and above becomes an error. Where an address did nothing with it the next one
    /// gets it, each once.
    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let mut request = request.build().map_err(|e| ClientError::transport(self.server(), e))?;
        let mut left = self.servers.len();
        loop {
            left -= 1;
            let again = if left > 0 { request.try_clone() } else { None };
            let is_get = request.method() == Method::GET;
            match (self.send_once(request).await, again) {
                (Err(error), Some(again)) if error.was_not_taken(is_get) => request = self.to_server(again),
                (Err(ClientError::Unreachable { source, .. }), _) if self.servers.len() > 1 => {
                    return Err(ClientError::Unreachable { server: self.servers.join(" or "), source });
                }
                (result, _) => return result,
            }
        }
    }

    /// The same request to the present address.
    fn to_server(&self, mut request: Request) -> Request {
        let (url, server) = (request.url(), format!("{}://{}", self.scheme, self.server()));
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(url) = format!("{server}{}{query}", url.path()).parse() {
            *request.url_mut() = url;
        }
        request
    }

    async fn send_once(&self, request: Request) -> Result<Response, ClientError> {
        let at = self.at.load(Ordering::Relaxed);
        let sent = self.http.execute(request).await.map_err(|e| ClientError::transport(self.server(), e));
        let response = sent.inspect_err(|_| self.turn_from(at))?;
        self.learn(&response);
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let bytes = response.bytes().await.map_err(|e| ClientError::transport(self.server(), e))?;
        let refusal = self.refusal(status, &bytes);
        if refusal.code() == Some(ErrorCode::Standby) {
            self.turn_from(at);
        }
        Err(refusal)
    }

    /// The next call goes to the next address, unless another call turned there already.
    fn turn_from(&self, at: usize) {
        if self.servers.len() > 1 {
            let _turned_already = self.at.compare_exchange(at, at + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Whether the authority by which this client knows its c2d signed an offer. Without one nothing is signed.
    #[must_use]
    pub fn vouches_for(&self, offer: &ProgramOffer) -> bool {
        let statement = offer.statement();
        self.trust.as_ref().is_some_and(|trust| {
            offer.signatures.iter().any(|ProgramSignature { certificate, signature }| {
                let certificate = CertificateDer::from(certificate.0.as_slice());
                trust.fits(&certificate) && signed::is_signed(&certificate, &statement, &signature.0)
            })
        })
    }

    /// c2d, which proved itself, says that it goes on under another authority. This counts when it is
    /// written down: whoever forgets it could not come again.
    fn learn(&self, response: &Response) {
        let told = response.headers().get(AUTHORITY_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        let (Some(told), Some(trust), Some(file)) = (told, &self.trust, &self.pass_file) else { return };
        if trust.is_new(told) && self.write_down(file, trust.known(), told).is_some() {
            trust.go_on(told);
        }
    }

    fn write_down(&self, file: &Path, known: Fingerprint, told: Fingerprint) -> Option<()> {
        let pass = Pass::read(file).ok().filter(|pass| Some(&pass.token) == self.token.as_ref())?;
        if pass.fingerprint == Some(told) {
            return Some(());
        }
        // Somebody else may have given it another one meanwhile.
        let is_ours = pass.fingerprint == Some(known);
        is_ours.then(|| Pass { fingerprint: Some(told), ..pass }.write(file).ok())?
    }

    /// Where no token was found, if that is known.
    fn where_it_looked(&self) -> String {
        let without_home = if std::env::var_os("HOME").is_none() { ", and HOME is not set" } else { "" };
        let looked = |file: &Arc<Path>| format!("there is no {}{without_home}; ", file.display());
        self.pass_file.as_ref().map(looked).unwrap_or_default()
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> ClientError {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(mut body) => {
                // c2d's own words are for those who write requests by hand.
                if status == StatusCode::UNAUTHORIZED && self.token.is_none() {
                    body.hint = Some(self.where_it_looked() + NO_TOKEN);
                }
                ClientError::Refused { status: status.as_u16(), body: Box::new(body) }
            }
            Err(source) => ClientError::Protocol { server: self.server().to_owned(), source },
        }
    }
}

/// Reads an answer in JSON.
async fn body<T: DeserializeOwned>(server: &str, response: Response) -> Result<T, ClientError> {
    let bytes = response.bytes().await.map_err(|e| ClientError::transport(server, e))?;
    serde_json::from_slice(&bytes).map_err(|source| ClientError::Protocol { server: server.to_owned(), source })
}

const fn method(method: endpoint::Method) -> Method {
    match method {
        endpoint::Method::Get => Method::GET,
        endpoint::Method::Post => Method::POST,
        endpoint::Method::Put => Method::PUT,
        endpoint::Method::Delete => Method::DELETE,
    }
}
