//! Calls to c2d's interface, held against the document in which it describes itself.
//!
//! Whatever c2d answers must stand in `/openapi.json`; and at the end everything that stands there
//! must have been answered once, but for what only a broken machine brings about.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result, ensure};
use c2_shared::api::endpoint::{self, Operation};
use c2_shared::pass::Pass;
use c2_shared::token::{Role, Token};
use c2_tests::http::{Answer, Caller, Request};
use serde_json::{Map, Value};

/// Disk and machine at their ends, and a c2d that goes down: the tests of faults have these. And
/// what only callers from other machines are told; a full queue is asked for by name. That something is done
/// later needs a worker that falls silent with a job that waits there: `ahead` has one.
const OUT_OF_REACH: [u16; 5] = [202, 429, 500, 503, 507];

/// What the document says and what was answered so far.
#[derive(Debug)]
pub(crate) struct Survey {
    server: SocketAddr,
    operator: Token,
    worker: Token,
    invitation: Option<Token>,
    documented: BTreeMap<&'static str, BTreeSet<u16>>,
    seen: BTreeMap<&'static str, BTreeSet<u16>>,
    /// Endpoints that take no body.
    pub(crate) bodiless: Vec<&'static Operation>,
}

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// Somebody without a token.
    Nobody,
    /// The operator.
    Operator,
    /// A worker at this loopback address.
    Worker([u8; 4]),
    /// Whoever has the invitation.
    Invited,
}

impl Survey {
    /// Reads the document.
    pub(crate) async fn begin(server: SocketAddr, operator: Token, worker: Token) -> Result<Self> {
        let (documented, seen) = (BTreeMap::new(), BTreeMap::new());
        let mut survey = Self { server, operator, worker, invitation: None, documented, seen, bodiless: Vec::new() };
        let document = survey.caller(Who::Nobody).call("GET", "/openapi.json", None).await?.json;
        for one in endpoint::ALL {
            let described = &document["paths"][one.path][one.method.as_str().to_lowercase()];
            let statuses: Result<_, _> = object(&described["responses"])?.keys().map(|s| s.parse()).collect();
            survey.documented.insert(one.name, statuses?);
            survey.bodiless.extend(described["requestBody"].is_null().then_some(one));
        }
        survey.saw("GET", "/openapi.json", 200)?;
        Ok(survey)
    }

    /// Whom [`Who::Invited`] is, from now on.
    pub(crate) fn invite(&mut self, line: &str) -> Result<()> {
        self.invitation = Some(line.parse::<Pass>()?.token);
        Ok(())
    }

    /// The workers' token, from now on.
    pub(crate) fn now_has(&mut self, worker: Token) {
        self.worker = worker;
    }

    /// Who may call an endpoint.
    pub(crate) fn right_one(one: &Operation) -> Who {
        match one.roles.first() {
            Some(Role::Join) => Who::Invited,
            Some(Role::Worker) => Who::Worker([127, 0, 0, 9]),
            None | Some(Role::Operator | Role::Viewer) => Who::Operator,
        }
    }

    /// All endpoints for which this status is documented.
    pub(crate) fn answering(&self, status: u16) -> Vec<&'static Operation> {
        endpoint::ALL.iter().filter(|one| self.documented[one.name].contains(&status)).collect()
    }

    /// Calls and holds the answer's status, and the part of its body that is given, against what is
    /// expected.
    pub(crate) async fn expect(
        &mut self,
        who: Who,
        operation: &str,
        body: Option<Value>,
        status: u16,
        part: &Value,
    ) -> Result<Value> {
        let (method, path) = operation.split_once(' ').context("a method and a path")?;
        let body = body.map(|body| body.to_string());
        let request = Request { body: body.as_ref().map(String::as_bytes), ..Request::new(method, path) };
        self.expect_of(who, &request, status, part).await
    }

    /// The same with a request that JSON alone does not make.
    pub(crate) async fn expect_of(
        &mut self,
        who: Who,
        request: &Request<'_>,
        status: u16,
        part: &Value,
    ) -> Result<Value> {
        let answer = self.caller(who).send(request).await?;
        let shown = || {
            let Request { method, path, .. } = request;
            let body = request.body.map(|body| String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned());
            format!("{who:?}: {method} {path} {body:?} answered {answer:?}")
        };
        ensure!(answer.status == status, "{}, not {status}", shown());
        ensure!(contains(&answer.json, part), "{}, which lacks {part}", shown());
        ensure!(status < 400 || is_refusal(&answer), "{}, which is no refusal that helps", shown());
        self.saw(request.method, request.path, status).with_context(shown)?;
        Ok(answer.json)
    }

    /// The statuses of the document that were never answered.
    pub(crate) fn unseen(&self) -> Vec<String> {
        let nothing = BTreeSet::new();
        let mut unseen = Vec::new();
        for one in endpoint::ALL {
            let seen = self.seen.get(one.name).unwrap_or(&nothing);
            let missing = self.documented[one.name].difference(seen).filter(|status| !OUT_OF_REACH.contains(status));
            unseen.extend(missing.map(|status| format!("{} {}: {status}", one.method.as_str(), one.path)));
        }
        unseen
    }

    fn saw(&mut self, method: &str, path: &str, status: u16) -> Result<()> {
        let path = path.split('?').next().unwrap_or_default();
        let named = endpoint::ALL.iter().find(|one| one.method.as_str() == method && fits(one.path, path));
        let name = named.with_context(|| format!("{method} {path} is no endpoint"))?.name;
        ensure!(self.documented[name].contains(&status), "{status} is not in the document of {name}");
        self.seen.entry(name).or_default().insert(status);
        Ok(())
    }

    fn caller(&self, who: Who) -> Caller {
        let (source, token) = match who {
            Who::Nobody => (IpAddr::from([127, 0, 0, 1]), None),
            Who::Operator => ([127, 0, 0, 1].into(), Some(&self.operator)),
            Who::Invited => ([127, 0, 0, 1].into(), self.invitation.as_ref()),
            Who::Worker(ip) => (ip.into(), Some(&self.worker)),
        };
        Caller { server: self.server, source, token: token.map(|token| token.expose().to_owned()) }
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>> {
    value.as_object().with_context(|| format!("{value} is no object"))
}

/// Whether a path fits one with placeholders. Of several only the right one has as many parts, and
/// names win over placeholders because no test gives a job such a name.
fn fits(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted.iter().zip(&given).all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
}

fn is_refusal(answer: &Answer) -> bool {
    ["code", "message", "hint"].iter().all(|key| answer.json[key].as_str().is_some_and(|text| !text.is_empty()))
}

/// Whether everything of `part` is in `whole`: objects may have more keys.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (_, Value::Null) => true,
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| contains(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| contains(whole, part))
        }
        (whole, part) => whole == part,
    }
}
