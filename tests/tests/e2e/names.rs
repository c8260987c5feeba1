//! Workers by their host names, in every command that takes one.

use c2_shared::token::Role;
use c2_tests::http::Caller;
use c2_tests::scenario;
use serde_json::json;

crate::tests![a_name_that_several_workers_have_means_none_of_them];

/// Every command that takes a worker or a target, with `W` in its place.
const COMMANDS: [&str; 14] = [
    "info W",
    "drain W",
    "resume W",
    "assign W gpu",
    "unassign W gpu",
    "set-tags W disk",
    "get-tags W",
    "detect-tags W",
    "cleanup-workspaces W",
    "remove-worker W",
    "pdsh W true",
    "copy W:notes here",
    "verify-ssh W",
    "add-worker W",
];

fn a_name_that_several_workers_have_means_none_of_them() {
    scenario(async |cluster| {
        let token = Some(cluster.token(Role::Worker)?.expose().to_owned());
        for (source, hostname) in [
            ("127.0.0.11", "vm"),
            ("127.0.0.12", "VM"),
            ("127.0.0.13", "127.0.0.11"),
            ("127.0.0.14", "127.0.0.99"),
            ("127.0.0.15", "NAS.Home.Lan"),
        ] {
            let worker = Caller { server: cluster.addr(), source: source.parse()?, token: token.clone() };
            let registered = worker.call("POST", "/api/workers/register", Some(json!({"hostname": hostname}))).await?;
            assert_eq!(registered.status, 200, "{registered:?}");
        }
        for command in COMMANDS {
            let exec = async |word: &str| cluster.exec(&[&command.replace('W', word)]).await;
            let twins = exec("vM").await?;
            let said = "\"vM\" means several workers: 127.0.0.11 (vm, id addr:127.0.0.11), \
                        127.0.0.12 (VM, id addr:127.0.0.12)\n";
            assert!(twins.status == 1 && twins.stderr.contains(said), "{command}: {twins:?}");
            // Only ssh reaches machines that are no workers; the others know of none.
            if !["pdsh", "copy", "verify-ssh", "add-worker"].iter().any(|over_ssh| command.starts_with(over_ssh)) {
                let nothing = exec("127.0.0.99").await?;
                assert!(nothing.status == 1 && nothing.stderr.contains("unknown worker"), "{command}: {nothing:?}");
            }
        }
        // Nothing was done to any of them.
        for worker in cluster.client().workers().await?.workers {
            assert!(worker.groups.is_empty() && worker.tags.is_empty(), "{worker:?}");
            assert_eq!(worker.status, c2_shared::worker::WorkerStatus::Online, "{worker:?}");
        }
        for (word, ip) in [("nas.home.lan", "127.0.0.15"), ("127.0.0.11", "127.0.0.11")] {
            let drained = cluster.exec(&[&format!("drain {word}")]).await?;
            assert!(drained.stdout.starts_with(&format!("{ip} is draining")), "{word}: {drained:?}");
        }
        Ok(())
    });
}
