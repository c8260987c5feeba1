//! The operations about tokens and invitations.

use c2_shared::api::error::ErrorCode;
use c2_shared::api::tokens::{InviteRequest, InviteResponse, JoinRequest, JoinResponse, TokenGone, TokenList};
use serde_json::json;

use crate::http::docs::operation::{Operation, route};

pub(super) fn operations() -> Vec<Operation> {
    let line = "c2j1.SECRET.FINGERPRINT@10.0.0.6:30814";
    let known = json!({"id": "5f0c93a1", "role": "worker", "name": "atlas", "made_ms": 1_769_882_400_000_u64,
        "this_machine_only": false});
    vec![
        Operation::operator("post", route!(INVITE), "Makes an invitation")
            .body::<InviteRequest>(json!({"role": "worker", "uses": 3, "expires_s": 3600}))
            .answers::<InviteResponse>(201, json!({"line": line})),
        Operation::invited("post", route!(JOIN), "Takes an invitation in exchange for a token")
            .about(
                "A worker says its `worker_id`, an id that it makes up and keeps; its token is good for that worker \
                alone. A request that is refused leaves the invitation as it was.",
            )
            .body::<JoinRequest>(json!({"name": "atlas", "worker_id": "4c1f", "roles": ["worker"]}))
            .answers::<JoinResponse>(201, json!({"token": "c2w1.SECRET"}))
            .refuses(&[ErrorCode::Conflict]),
        Operation::operator("get", route!(TOKENS), "Lists all tokens, without their secrets")
            .for_operators_alone()
            .answers::<TokenList>(200, json!({"tokens": [known]})),
        Operation::operator("delete", route!(TOKEN), "Makes a token worthless at once")
            .answers::<TokenGone>(200, json!({"gone": "5f0c93a1"})),
        Operation::operator("post", route!(ROTATE), "Puts a new token into c2d's own folder")
            .about("`operator` or `worker`; the old one is worthless at once.")
            .answers::<TokenGone>(200, json!({"gone": "operator"})),
    ]
}
