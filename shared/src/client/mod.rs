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
mod shown;
mod signed;
mod sse;
mod tls;

use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, RequestBuilder, Response, StatusCode};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::endpoint::{self, Endpoint, PathValues};
use crate::api::error::{ErrorBody, ErrorCode};
use crate::api::tokens::AUTHORITY_HEADER;
use crate::api::upgrade::{ProgramOffer, ProgramSignature};
use crate::fingerprint::Fingerprint;
use crate::limits::ANSWER_TIMEOUT_MS;
use crate::pass::Pass;
use crate::server_address::ServerAddress as Address;
use crate::token::Token;

pub use accepted::Accepted;
pub use blobs::{Progress, TransferError};
pub use error::ClientError;
pub use events::{EventStream, FollowStream};
pub use line::Priority;
pub use output::{Gap, OutputBytes};

use shown::{Shown, Way};

/// What to do where no token was found.
const NO_TOKEN: &str = "name its file with --token-file, or c2d's data folder with --data-dir; for a c2d of another user \
    or machine, `c2d invite --role operator` there prints the line for `c2-tui login`";

/// Speaks to one c2d with one token, or to whichever of several leads. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    /// What it shows at present.
    shown: Arc<RwLock<Arc<Shown>>>,
    way: Way,
    servers: Arc<[String]>,
    /// Which of them answered last, or is tried next.
    at: Arc<AtomicUsize>,
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
        Self::by(server, token, fingerprint, Way::From { source, is_near: server.is_loopback() })
    }

    /// A client for the c2d of this user on this machine, by the socket in its folder. Nobody else gets there, so nothing
    /// is encrypted or proved.
    ///
    /// # Errors
    /// When the HTTP stack cannot be set up.
    pub fn near(server: &Address, pass: Option<Pass>, socket: &Path) -> Result<Self, ClientError> {
        Self::by(server, pass.map(|pass| pass.token), None, Way::Socket(socket.into()))
    }

    /// One that shows no token, to the c2d that is known by this fingerprint.
    ///
    /// # Errors
    /// When the HTTP stack cannot be set up.
    pub fn without_token(server: &Address, fingerprint: Fingerprint) -> Result<Self, ClientError> {
        Self::by(server, None, Some(fingerprint), Way::From { source: None, is_near: false })
    }

    fn by(
        server: &Address,
        token: Option<Token>,
        fingerprint: Option<Fingerprint>,
        way: Way,
    ) -> Result<Self, ClientError> {
        let shown = Shown::new(&server.to_string(), token, fingerprint, &way)?;
        Ok(Self {
            shown: Arc::new(RwLock::new(Arc::new(shown))),
            way,
            servers: server.each().into(),
            at: Arc::default(),
            pass_file: None,
            line: line::Line::default(),
        })
    }

    /// The same with a pass from this file, in which is written down under which authority c2d goes on. It is read
    /// again when c2d refuses what is shown.
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

    /// Whether it turns to another c2d where one does not answer.
    #[must_use]
    pub fn is_of_several(&self) -> bool {
        self.servers.len() > 1
    }

    /// Whether it shows a token.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.shown().token.is_some()
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
        let shown = self.shown();
        shown.http.request(method, format!("{}://{}{path}", shown.scheme, self.server()))
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
    /// gets it, each once; where c2d refused a pass in whose place there is another by now, it gets that.
    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let mut request = request.build().map_err(|e| ClientError::transport(self.server(), e))?;
        let (mut left, mut unfit) = (self.servers.len(), None);
        loop {
            let (shown, again) = (self.shown(), request.try_clone());
            let is_get = matches!(*request.method(), Method::GET | Method::HEAD);
            match (self.send_once(&shown, request).await, again) {
                (Err(error), again) if error.is_about_pass() && self.renew(&shown) => match again {
                    Some(again) => request = self.to_server(again),
                    None => return Err(error),
                },
                (Err(error), Some(again)) if left > 1 && error.was_not_taken(is_get) => {
                    left -= 1;
                    request = self.to_server(again);
                    // It says more than that the next one cannot be reached.
                    unfit = unfit.or(error.is_about_pass().then_some(error));
                }
                (Err(error), _) if unfit.is_some() => return Err(unfit.unwrap_or(error)),
                (Err(ClientError::Unreachable { source, .. }), _) if self.servers.len() > 1 => {
                    return Err(ClientError::Unreachable { server: self.servers.join(" or "), source });
                }
                (result, _) => return result,
            }
        }
    }

    /// The same request to the present address.
    fn to_server(&self, mut request: Request) -> Request {
        let (url, server) = (request.url(), format!("{}://{}", self.shown().scheme, self.server()));
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        if let Ok(url) = format!("{server}{}{query}", url.path()).parse() {
            *request.url_mut() = url;
        }
        request
    }

    async fn send_once(&self, shown: &Shown, mut request: Request) -> Result<Response, ClientError> {
        let at = self.at.load(Ordering::Relaxed);
        let is_head = request.method() == Method::HEAD;
        if let Some(token) = &shown.token {
            request.headers_mut().insert(AUTHORIZATION, bearer(token));
        }
        let sent = shown.http.execute(request).await.map_err(|e| ClientError::transport(self.server(), e));
        let response = sent.inspect_err(|_| self.turn_from(at))?;
        self.learn(shown, &response);
        let status = response.status();
        // What has no words speaks by its status.
        if status.is_success() || is_head && status != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        if is_head {
            return Err(blobs::without_words(status));
        }
        let bytes = response.bytes().await.map_err(|e| ClientError::transport(self.server(), e))?;
        let refusal = self.refusal(shown, status, &bytes);
        // One of several that does not know this token may have another's place.
        if matches!(refusal.code(), Some(ErrorCode::Standby | ErrorCode::Unauthorized)) {
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
        self.shown().trust.as_ref().is_some_and(|trust| {
            offer.signatures.iter().any(|ProgramSignature { certificate, signature }| {
                let certificate = CertificateDer::from(certificate.0.as_slice());
                trust.fits(&certificate) && signed::is_signed(&certificate, &statement, &signature.0)
            })
        })
    }

    /// c2d, which proved itself, says that it goes on under another authority. This counts when it is
    /// written down: whoever forgets it could not come again.
    fn learn(&self, shown: &Shown, response: &Response) {
        let told = response.headers().get(AUTHORITY_HEADER).and_then(|value| value.to_str().ok()?.parse().ok());
        let (Some(told), Some(trust), Some(file)) = (told, &shown.trust, &self.pass_file) else { return };
        if trust.is_new(told) && shown.write_down(file, trust.known(), told).is_some() {
            trust.go_on(told);
        }
    }

    /// Where no token was found, if that is known.
    fn where_it_looked(&self) -> String {
        let without_home = if std::env::var_os("HOME").is_none() { ", and HOME is not set" } else { "" };
        let looked = |file: &Arc<Path>| format!("there is no {}{without_home}; ", file.display());
        self.pass_file.as_ref().map(looked).unwrap_or_default()
    }

    fn refusal(&self, shown: &Shown, status: StatusCode, body: &[u8]) -> ClientError {
        match serde_json::from_slice::<ErrorBody>(body) {
            Ok(mut body) => {
                // c2d's own words are for those who write requests by hand.
                if status == StatusCode::UNAUTHORIZED && shown.token.is_none() {
                    body.hint = Some(self.where_it_looked() + NO_TOKEN);
                }
                ClientError::Refused { status: status.as_u16(), body: Box::new(body) }
            }
            Err(source) => ClientError::Protocol { server: self.server().to_owned(), source },
        }
    }
}

/// How a token is shown.
fn bearer(token: &Token) -> HeaderValue {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).expect("a token has plain letters");
    value.set_sensitive(true);
    value
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
