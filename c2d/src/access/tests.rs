//! Tokens from the invitation to the end.

use c2_shared::api::tokens::{InviteRequest, JoinRequest};
use c2_shared::fingerprint::Fingerprint;
use c2_shared::pass::Pass;
use c2_shared::secret_file::SecretFileError;
use c2_shared::token::{Role, Token, TokenError};
use tempfile::TempDir;

use super::{Access, AccessError, start};

const NOW: u64 = 1_000_000;

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
    JoinRequest { name: "atlas".into(), worker_id: Some(id.into()) }
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
    assert_eq!(holder.worker_id.as_deref(), Some("b"));

    let invitation = access.invite(InviteRequest { expires_s: 10, ..InviteRequest::default() }, NOW).await.unwrap();
    assert!(access.holder(invitation.expose(), false, NOW + 9_999).is_some());
    assert!(access.holder(invitation.expose(), false, NOW + 10_000).is_none(), "it has expired");

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
async fn a_worker_that_joins_again_has_one_token() {
    let dir = TempDir::new().unwrap();
    let access = open(&dir);
    let invitation = access.invite(InviteRequest { uses: 2, ..InviteRequest::default() }, NOW).await.unwrap();
    let old = join(&access, &invitation, of_worker("a")).await.unwrap();
    let new = join(&access, &invitation, of_worker("a")).await.unwrap();
    assert_eq!((role(&access, &old, false), role(&access, &new, false)), (None, Some(Role::Worker)));
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
    assert!(matches!(exposed, Err(AccessError::Token(TokenError::File(SecretFileError::Exposed { mode: 0o640, .. })))));
}
