//! Tokens from the invitation to the end.

use c2_shared::api::tokens::{InviteRequest, JoinRequest};
use c2_shared::fingerprint::Fingerprint;
use c2_shared::pass::Pass;
use c2_shared::secret_file::SecretFileError;
use c2_shared::time::Mono;
use c2_shared::token::{Role, Token, TokenError};
use tempfile::TempDir;

use super::{Access, AccessError, start};
use crate::sched::Now;

const NOW: Now = Now { mono: Mono(0), wall_ms: 1_000_000, seen_ms: 5_000 };

fn open(dir: &TempDir) -> Access {
    start(dir.path(), Fingerprint::of(b"authority")).unwrap()
}

fn role(access: &Access, token: &Token, near: bool) -> Option<Role> {
    access.holder(token.expose(), near, NOW).map(|holder| holder.role)
}

async fn join(access: &Access, invitation: &Token, request: JoinRequest) -> Option<Token> {
    let by = access.holder(invitation.expose(), false, NOW)?.id.to_string();
    access.join(by, request, NOW).await.ok()
}

fn of_worker(id: &str) -> JoinRequest {
    JoinRequest { name: "atlas".into(), worker_id: Some(id.into()), ..JoinRequest::default() }
}

#[tokio::test]
async fn the_tokens_of_the_folder_are_made_once_and_good_nearby_alone() {
    let dir = TempDir::new().unwrap();
    let (first, again) = (open(&dir), open(&dir));
    for wanted in [Role::Operator, Role::Worker] {
        let pass = Pass::read(&dir.path().join(wanted.file_name())).unwrap();
        assert_eq!(pass.fingerprint, Some(Fingerprint::of(b"authority")));
        assert_eq!((role(&first, &pass.token, true), role(&again, &pass.token, true)), (Some(wanted), Some(wanted)));
        assert_eq!(role(&first, &pass.token, false), None, "{wanted} from elsewhere");
    }
    assert!(first.holder("c2o1.AAAA", true, NOW).is_none());
    let whole = std::fs::read_to_string(dir.path().join("operator.token")).unwrap();
    assert!(first.holder(whole.trim(), true, NOW).is_some(), "a script shows what is in the file");
    // One of before c2d had a fingerprint goes on as it is.
    let old = Token::generate(Role::Operator).unwrap();
    Pass::from(old.clone()).write(&dir.path().join("operator.token")).unwrap();
    assert_eq!(role(&open(&dir), &old, true), Some(Role::Operator));
    assert!(Pass::read(&dir.path().join("operator.token")).unwrap().fingerprint.is_some());
}

#[tokio::test]
async fn an_invitation_is_good_for_its_time_and_its_uses() {
    let dir = TempDir::new().unwrap();
    let access = open(&dir);
    let invitation = access.invite(InviteRequest { uses: 2, ..InviteRequest::default() }, NOW).await.unwrap();
    let one = join(&access, &invitation, of_worker("a")).await.unwrap();
    let two = join(&access, &invitation, of_worker("b")).await.unwrap();
    assert!(join(&access, &invitation, of_worker("c")).await.is_none(), "it is used up");
    assert_eq!((role(&access, &one, false), role(&access, &two, false)), (Some(Role::Worker), Some(Role::Worker)));
    let holder = access.holder(two.expose(), false, NOW).unwrap();
    assert_eq!(holder.worker_id.unwrap().as_str(), "b");

    let invitation = access.invite(InviteRequest { expires_s: 10, ..InviteRequest::default() }, NOW).await.unwrap();
    let good = |wall_ms, seen_ms| access.holder(invitation.expose(), false, Now { wall_ms, seen_ms, ..NOW }).is_some();
    assert!(good(NOW.wall_ms + 9_999, NOW.seen_ms + 9_999));
    assert!(!good(NOW.wall_ms + 10_000, NOW.seen_ms + 10_000), "it has expired");
    assert!(good(NOW.wall_ms * 1_000, NOW.seen_ms + 9_999), "a clock that jumps ends nothing");
    assert!(!good(0, NOW.seen_ms + 10_000), "nor does it make anything last");

    let after = open(&dir);
    assert_eq!(role(&after, &one, false), Some(Role::Worker), "tokens outlive c2d");
    assert_eq!(after.list(), access.list());
}

#[tokio::test]
async fn revoked_and_replaced_tokens_are_worthless_at_once() {
    let dir = TempDir::new().unwrap();
    let access = open(&dir);
    let viewer = InviteRequest { role: Role::Viewer, ..InviteRequest::default() };
    let invitation = access.invite(viewer, NOW).await.unwrap();
    let token = join(&access, &invitation, JoinRequest::default()).await.unwrap();
    let id = access.holder(token.expose(), false, NOW).unwrap().id;
    assert_eq!(role(&access, &token, false), Some(Role::Viewer));
    let (revoked, cut) = tokio::join!(access.revoke(id.to_string()), access.revoked(&id));
    revoked.unwrap();
    let () = cut;
    assert_eq!(role(&access, &token, false), None);
    assert!(access.revoke(id.to_string()).await.is_err(), "it is gone already");

    let path = dir.path().join("operator.token");
    let old = Pass::read(&path).unwrap().token;
    access.rotate(Role::Operator).await.unwrap();
    let new = Pass::read(&path).unwrap().token;
    assert_eq!((role(&access, &old, true), role(&access, &new, true)), (None, Some(Role::Operator)));
    assert!(access.rotate(Role::Viewer).await.is_err(), "there is no such file");
    let near = access.holder(new.expose(), true, NOW).unwrap().id;
    assert!(access.revoke(near.to_string()).await.is_err(), "c2d would lock its operator out");
}

#[tokio::test]
async fn a_worker_that_joins_again_has_one_token_and_spends_no_use() {
    let dir = TempDir::new().unwrap();
    let access = open(&dir);
    let invitation = access.invite(InviteRequest { uses: 2, ..InviteRequest::default() }, NOW).await.unwrap();
    let old = join(&access, &invitation, of_worker("a")).await.unwrap();
    let again = JoinRequest { old_token: Some(old.expose().to_owned()), ..of_worker("a") };
    let new = join(&access, &invitation, again).await.unwrap();
    assert_eq!((role(&access, &old, false), role(&access, &new, false)), (None, Some(Role::Worker)));
    assert!(join(&access, &invitation, of_worker("b")).await.is_some(), "the other use is for another machine");
    assert!(join(&access, &invitation, of_worker("c")).await.is_none());
}

#[tokio::test]
async fn a_join_that_is_refused_spends_nothing_and_revokes_nothing() {
    let dir = TempDir::new().unwrap();
    let access = open(&dir);
    let invite = async |role| access.invite(InviteRequest { role, ..InviteRequest::default() }, NOW).await.unwrap();
    let first = join(&access, &invite(Role::Worker).await, of_worker("cafe")).await.unwrap();
    let other = join(&access, &invite(Role::Worker).await, of_worker("beef")).await.unwrap();
    let (worker, operator) = (invite(Role::Worker).await, invite(Role::Operator).await);
    let for_people = |id| JoinRequest { roles: vec![Role::Operator, Role::Viewer], ..of_worker(id) };
    let thief = |token: &Token| JoinRequest { old_token: Some(token.expose().to_owned()), ..of_worker("cafe") };
    let refused = [
        (&worker, JoinRequest::default(), "a worker needs a worker_id"),
        (&worker, of_worker(""), "a worker needs a worker_id"),
        (&worker, of_worker(" "), "a worker needs a worker_id"),
        (&worker, for_people("new"), "this invitation is for workers"),
        (&worker, of_worker("cafe"), "has a token already"),
        (&worker, thief(&other), "has a token already"),
        (&worker, thief(&worker), "has a token already"),
        (&operator, JoinRequest { roles: vec![Role::Worker], ..of_worker("new") }, "this invitation is for operators"),
    ];
    let known = access.list();
    let by = |invitation: &Token| access.holder(invitation.expose(), false, NOW).unwrap().id.to_string();
    for (invitation, request, words) in refused {
        let refusal = access.join(by(invitation), request.clone(), NOW).await.unwrap_err();
        assert!(refusal.to_string().contains(words), "{request:?}: {refusal}");
        assert_eq!(access.list(), known, "{request:?}");
    }
    std::fs::create_dir(dir.path().join("access.new")).unwrap();
    assert!(join(&access, &worker, of_worker("new")).await.is_none(), "the disk takes no token");
    assert_eq!(access.list(), known);
    std::fs::remove_dir(dir.path().join("access.new")).unwrap();

    assert!(join(&access, &worker, of_worker("new")).await.is_some());
    assert!(join(&access, &operator, for_people("cafe")).await.is_some(), "only workers have such an id");
    assert_eq!(role(&access, &first, false), Some(Role::Worker));
    let id = access.holder(first.expose(), false, NOW).unwrap().id;
    access.revoke(id.to_string()).await.unwrap();
    assert!(join(&access, &invite(Role::Worker).await, of_worker("cafe")).await.is_some(), "an operator agreed");
}

#[tokio::test]
async fn no_secret_is_kept_and_spoilt_files_are_refused() {
    let dir = TempDir::new().unwrap();
    let access = open(&dir);
    let invitation = access.invite(InviteRequest::default(), NOW).await.unwrap();
    let path = dir.path().join("access.json");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&invitation.expose()[5..]), "{text}");
    assert_eq!(text.matches("hash").count(), 1, "the folder's own tokens have their own files: {text}");

    std::fs::write(&path, "{").unwrap();
    let spoilt = start(dir.path(), Fingerprint::of(b"authority"));
    assert!(matches!(spoilt, Err(AccessError::Malformed { .. })));
    std::fs::remove_file(&path).unwrap();
    let own = dir.path().join("worker.token");
    std::fs::set_permissions(&own, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    let exposed = start(dir.path(), Fingerprint::of(b"authority"));
    assert!(matches!(
        exposed,
        Err(AccessError::Token(_, TokenError::File(SecretFileError::Exposed { mode: 0o640, .. })))
    ));
}
