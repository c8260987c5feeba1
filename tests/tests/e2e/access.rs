//! Without the right token nothing is run, read or changed.

use std::os::unix::fs::PermissionsExt as _;

use c2_shared::token::{Role, Token};
use c2_tests::http::Caller;
use c2_tests::scenario;
use serde_json::json;

crate::tests![
    every_path_but_health_asks_for_a_token_of_the_right_role,
    secrets_are_readable_by_their_owner_alone,
    a_viewer_is_told_how_to_get_another_token,
];

fn every_path_but_health_asks_for_a_token_of_the_right_role() {
    scenario(async |cluster| {
        let (operator, worker) = (cluster.token(Role::Operator)?, cluster.token(Role::Worker)?);
        let stranger = Token::generate(Role::Operator)?;
        let server = cluster.addr();
        let caller = |token: Option<&Token>| Caller {
            server,
            source: [127, 0, 0, 1].into(),
            token: token.map(|token| token.expose().to_owned()),
        };
        let submit = || Some(json!({"command": "true"}));
        let table = [
            (None, "GET", "/healthz", None, 200),
            (None, "GET", "/api/workers/list", None, 401),
            (None, "GET", "/no/such/path", None, 401),
            (None, "POST", "/api/jobs/submit", submit(), 401),
            (Some(&stranger), "POST", "/api/jobs/submit", submit(), 401),
            (Some(&worker), "POST", "/api/jobs/submit", submit(), 403),
            (Some(&worker), "GET", "/api/jobs/list", None, 403),
            (Some(&operator), "POST", "/api/workers/register", Some(json!({})), 403),
            (Some(&operator), "GET", "/api/jobs/list", None, 200),
            (Some(&operator), "GET", "/no/such/path", None, 404),
            (Some(&operator), "POST", "/api/jobs/submit", Some(json!({"command": " "})), 400),
            (Some(&operator), "POST", "/api/jobs/submit", Some(json!({"command": "true", "grup": "x"})), 400),
            (Some(&operator), "GET", "/api/jobs/info/job-9", None, 404),
            (Some(&operator), "GET", "/api/jobs/info/nonsense", None, 400),
        ];
        for (token, method, path, body, status) in table {
            let answer = caller(token).call(method, path, body).await?;
            assert_eq!(answer.status, status, "{method} {path} with {token:?}: {answer:?}");
            assert!(status == 200 || answer.json["message"].is_string(), "{method} {path}: {answer:?}");
        }
        assert_eq!(cluster.client().queue_status().await?.active, 0, "a refused request made a job");
        Ok(())
    });
}

fn secrets_are_readable_by_their_owner_alone() {
    scenario(async |cluster| {
        let folder = cluster.data_dir();
        let tokens = [Role::Operator, Role::Worker].map(|role| folder.join(role.file_name()));
        for path in tokens.iter().chain([&folder]) {
            let mode = std::fs::metadata(path)?.permissions().mode();
            assert_eq!(mode & 0o077, 0, "{path:?} is open to others");
        }
        Ok(())
    });
}

fn a_viewer_is_told_how_to_get_another_token() {
    scenario(async |cluster| {
        for ip in ["127.0.0.2", "127.0.0.3"] {
            cluster.agent(ip).await?;
        }
        let line = cluster.invited(&["--role", "viewer"]).await?;
        let login = cluster.bare_console(&["login", &line])?.output()?;
        assert!(login.status.success(), "{login:?}");
        for command in ["cleanup-workspaces @all", "upgrade-workers @all", "submit true"] {
            let refused = cluster.bare_console(&["--exec", command])?.output()?;
            let told = String::from_utf8(refused.stderr)?;
            assert_eq!(refused.status.code(), Some(4), "{command}: {told}");
            assert!(told.contains("`c2d invite --role operator`"), "{command}: {told}");
        }
        Ok(())
    });
}
