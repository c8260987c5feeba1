//! An agent's place: its folders, its address, its introduction.

use crate::stage::Stage;

#[test]
fn unsafe_workspace_roots_are_refused() {
    let stage = Stage::empty(&[]);
    std::os::unix::fs::symlink("/tmp", stage.root()).unwrap();
    let output = stage.refused();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("is not a folder of its own") && said.contains("hint: see who made it"), "{said}");
}

#[test]
fn a_second_agent_is_refused() {
    let stage = Stage::new(&[]);
    stage.run(1, "true");
    let output = stage.refused();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("another agent is running") && said.contains("hint: stop it first"), "{said}");
}

#[test]
fn an_agent_whose_place_is_taken_tries_again() {
    let mut stage = Stage::empty(&[]);
    stage.c2d.change(|book| book.taken = true);
    stage.start();
    stage.c2d.wait("it asks again", |book| book.refused >= 2);
    stage.c2d.change(|book| book.taken = false);
    let result = stage.run(1, "echo in");
    assert_eq!(result.stdout.head.lossy(), "in\n");
}

#[test]
fn the_address_is_claimed_and_used() {
    let stage = Stage::new(&["--address=127.0.0.9"]);
    let result = stage.run(1, "echo $C2_WORKER");
    assert_eq!(result.stdout.head.lossy(), "127.0.0.9\n");
    let introduction = stage.c2d.change(|book| book.introductions[0].clone());
    assert_eq!(introduction.ip, Some([127, 0, 0, 9].into()));
    assert_eq!((introduction.slots, introduction.worker_id.len()), (Some(2), 32));
    assert!(introduction.hardware.memory_bytes > 0 && introduction.hardware.cpu_cores > 0);
    assert!(!introduction.hostname.is_empty() && !introduction.boot_id.is_empty());
}
