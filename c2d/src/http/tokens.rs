//! Invitations, what they are exchanged for, and the tokens that were given out.

use std::time::Duration;

use axum::http::StatusCode;
use c2_shared::api::error::{ErrorBody, ErrorCode};
use c2_shared::api::tokens::{
    InviteRequest, InviteResponse, JoinProofs, JoinRequest, JoinResponse, TokenGone, TokenList,
};
use c2_shared::id::WorkerId;
use c2_shared::join_code::JoinCode;
use c2_shared::limits::{ANNOUNCED_S_MAX, BODY_BYTES_MAX, INVITATION_S_MAX, INVITATION_USES_MAX, NAME_LEN_MAX};
use c2_shared::pass::Pass;
use c2_shared::server_address::ServerAddress;
use c2_shared::time::span;
use c2_shared::token::{Role, Token};

use crate::access::TokenRefusal;
use crate::http::error::store_failed;
use crate::http::find_worker;
use crate::http::handler::{Answer, ApiError, App, Json, JsonBody, Name, State, serves};
use crate::http::role::{Connected, Invited, Protocol, named};

serves!(INVITE => invite, JOIN => join, JOIN_PROOFS => proofs, LIST_TOKENS => list, REVOKE_TOKEN => revoke, ROTATE_TOKEN => rotate);

pub(crate) async fn invite(
    State(app): State<App>,
    JsonBody(request): JsonBody<InviteRequest, BODY_BYTES_MAX>,
) -> Result<(StatusCode, Json<InviteResponse>), ApiError> {
    let within = |name: &str, value: u64, max: u64, told: fn(u64) -> String| match value {
        0 => Err(ApiError::from(
            ErrorBody::new(ErrorCode::InvalidInput, format!("{name} is 0"), "give at least 1").in_field(name),
        )),
        value if value > max => {
            let (message, hint) = (format!("{name} is {}", told(value)), format!("give at most {}", told(max)));
            Err(ErrorBody::new(ErrorCode::InvalidInput, message, hint).in_field(name).into())
        }
        _ => Ok(()),
    };
    within("uses", request.uses.into(), INVITATION_USES_MAX.into(), |uses| uses.to_string())?;
    let lasts_s_max = if request.announce { ANNOUNCED_S_MAX } else { INVITATION_S_MAX };
    within("expires_s", request.expires_s, lasts_s_max, lasting)?;
    if request.role == Role::Join {
        let body =
            ErrorBody::new(ErrorCode::InvalidInput, "an invitation to invite", "give worker, operator or viewer");
        return Err(body.in_field("role").into());
    }
    let request = match &request.worker {
        Some(name) if request.role == Role::Worker => {
            let worker = find_worker::find(&app, name).await?.intro.id;
            InviteRequest { worker: Some(worker.into()), ..request }
        }
        Some(_) => {
            let body =
                ErrorBody::new(ErrorCode::InvalidInput, "only workers have an identity to give", "leave `as` out");
            return Err(body.in_field("as").into());
        }
        None => request,
    };
    let (token, code) = if request.announce {
        announced(&app, request).await?
    } else {
        (app.access.invite(request, app.clock.now()).await?, None)
    };
    let pass =
        Pass { token, fingerprint: Some(app.rotation.fingerprint()), server: Some(ServerAddress::from(app.address)) };
    Ok((StatusCode::CREATED, Json(InviteResponse { line: pass.expose(), code })))
}

/// Seconds, and what they are for people.
fn lasting(s: u64) -> String {
    const DAY_S: u64 = 24 * 3_600;
    let words = if s.is_multiple_of(DAY_S) { format!("{}d", s / DAY_S) } else { span(s.saturating_mul(1_000)) };
    format!("{s} ({words})")
}

/// An invitation that machines find in their network, and its code.
async fn announced(app: &App, request: InviteRequest) -> Result<(Token, Option<String>), ApiError> {
    if request.role != Role::Worker {
        let body =
            ErrorBody::new(ErrorCode::InvalidInput, "only workers find c2d by themselves", "leave `announce` out");
        return Err(body.in_field("announce").into());
    }
    if app.address.ip().to_canonical().is_loopback() {
        let hint = "give c2d this machine's own address as \"host\" in config.json or with --host, and start it again";
        let message = format!("c2d listens on {}, where other machines cannot find it", app.address);
        return Err(ErrorBody::new(ErrorCode::InvalidInput, message, hint).in_field("announce").into());
    }
    let now = app.clock.now();
    let code = JoinCode::generate().map_err(|_| TokenRefusal::Busy)?;
    let lasts = Duration::from_secs(request.expires_s);
    let token = app.access.invite_by(code.invitation(), request, now).await?;
    let id = app.access.holder(token.expose(), true, now).map(|holder| holder.id.to_string()).unwrap_or_default();
    if let Err(reason) = app.announcer.announce(code.clone(), id.clone(), lasts).await {
        app.access.revoke(id).await?;
        return Err(TokenRefusal::NotHeard(reason).into());
    }
    Ok((token, Some(code.expose())))
}

pub(crate) async fn proofs(Connected(connection): Connected, State(app): State<App>) -> Json<JoinProofs> {
    // Plain HTTP proves nothing of who speaks.
    let proofs = match connection.proof() {
        Some(fingerprint) => app.announcer.prove(fingerprint).await,
        None => Vec::new(),
    };
    Json(JoinProofs { proofs })
}

pub(crate) async fn join(
    Invited(by): Invited,
    State(app): State<App>,
    protocol: Protocol,
    JsonBody(request): JsonBody<JoinRequest, BODY_BYTES_MAX>,
) -> Result<(StatusCode, Json<JoinResponse>), ApiError> {
    if request.name.len() > NAME_LEN_MAX || request.name.chars().any(char::is_control) {
        let message = format!("name has control characters or more than {NAME_LEN_MAX} bytes");
        let body = ErrorBody::new(ErrorCode::InvalidInput, message, "give a plain short name");
        return Err(body.in_field("name").into());
    }
    if let Some(said) = request.worker_id.as_deref().filter(|said| !said.trim().is_empty()) {
        named(said)?;
    }
    let worker_id = app.access.gives(&by);
    if let Some(id) = &worker_id {
        if !protocol.is_known() {
            return Err(TokenRefusal::TooOld.into());
        }
        if request.keeps_id && request.worker_id.as_deref() != Some(id.as_str()) {
            return Err(TokenRefusal::JobsRun.into());
        }
        vacant(&app, id.clone()).await?;
    }
    let token = app.access.join(by.to_string(), request, app.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(JoinResponse { token: token.expose().to_owned(), worker_id })))
}

/// Makes sure that nothing of a worker can be at work any more, and that no job waits for it.
async fn vacant(app: &App, id: WorkerId) -> Result<(), ApiError> {
    let called = app.engine.read(move |scheduler, now| {
        let worker = scheduler.worker(now, &id)?;
        (!worker.past_lease || worker.awaited > 0).then(|| worker.ip.to_string())
    });
    called.await?.map_or(Ok(()), |called| Err(TokenRefusal::AtWork { called }.into()))
}

pub(crate) async fn list(State(app): State<App>) -> Json<TokenList> {
    Json(TokenList { tokens: app.access.list() })
}

pub(crate) async fn revoke(State(app): State<App>, Name(id): Name) -> Answer<TokenGone> {
    app.access.revoke(id.clone()).await?;
    Ok(Json(TokenGone { gone: id }))
}

pub(crate) async fn rotate(State(app): State<App>, Name(role): Name) -> Answer<TokenGone> {
    let near = [Role::Operator, Role::Worker].into_iter().find(|known| known.as_str() == role);
    let near = near.ok_or_else(|| {
        let message = format!("no token in c2d's folder has the role {role:?}");
        ApiError::from(ErrorBody::new(ErrorCode::NotFound, message, "give operator or worker"))
    })?;
    app.access.rotate(near).await?;
    Ok(Json(TokenGone { gone: role }))
}

impl From<TokenRefusal> for ApiError {
    fn from(refusal: TokenRefusal) -> Self {
        let message = refusal.to_string();
        let body = |code, hint: &str| ErrorBody::new(code, message.clone(), hint);
        match &refusal {
            TokenRefusal::Unknown(_) => {
                body(ErrorCode::NotFound, "`c2d token list` names all; those in c2d's folder are rotated, not revoked")
            }
            TokenRefusal::Spent => body(ErrorCode::Unauthorized, "ask for a new one with: c2d invite"),
            TokenRefusal::WrongRole(Role::Worker) => body(
                ErrorCode::Forbidden,
                "use it with `c2-agent join`, and get one for a console with: c2d invite --role operator",
            ),
            TokenRefusal::WrongRole(_) => {
                body(ErrorCode::Forbidden, "use it with `c2-tui login`, and get one for a worker with: c2d invite")
            }
            TokenRefusal::NoWorkerId => body(
                ErrorCode::InvalidInput,
                "make one up, like the name of the machine, keep it, and say the same at register and get-work",
            )
            .in_field("worker_id"),
            TokenRefusal::Bound { token, .. } => {
                let hint = format!("continue with that token, show it as old_token, or first: c2d token revoke {token}");
                body(ErrorCode::Conflict, &hint).in_field("worker_id")
            }
            TokenRefusal::NotYours => {
                body(ErrorCode::Forbidden, "let this machine join by itself, with a line from: c2d invite")
            }
            TokenRefusal::TooOld => body(ErrorCode::InvalidInput, "upgrade c2-agent on this machine and join again"),
            TokenRefusal::JobsRun => {
                body(ErrorCode::Conflict, "wait until they have ended, or cancel them; nothing was changed")
            }
            TokenRefusal::AtWork { called } => {
                let hint = format!(
                    "stop its agent and wait a minute; if jobs wait for it, first cancel them, or give them up with its \
                     groups and tags: remove-worker {called} --lost"
                );
                body(ErrorCode::Wait, &hint)
            }
            TokenRefusal::NotHeard(_) => body(ErrorCode::Busy, "give the line of `c2d invite` to the other machine instead"),
            TokenRefusal::Busy => body(ErrorCode::Busy, "see the log of c2d, and try again"),
            TokenRefusal::StoreFailed(reason) => return store_failed(reason),
        }
        .into()
    }
}
