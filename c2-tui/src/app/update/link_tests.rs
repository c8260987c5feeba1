//! Tables over the connection: what is lost, silent or refused, and what is asked while it holds.

use c2_shared::api::figures::{NameStats, Stats};
use c2_shared::job::JobState;
use c2_shared::time::Mono;

use crate::app::figures::{Asked, Figures};
use crate::app::model::Link;
use crate::app::report::Fault;
use crate::app::table::Grid as _;
use crate::app::{Effect, Model, Msg, update};
use crate::tests::demo::{self, NOW, busy, change, console, press, send};

#[test]
fn the_connection() {
    let mut model = busy(80, 24);
    let fault = Fault { message: "gone".to_owned(), hint: None };
    let retry_at = Mono(NOW.mono.0 + 4_000);
    send(&mut model, Msg::Disconnected { fault: fault.clone(), retry_at, lasts: false });
    assert_eq!(model.link, Link::Down { fault, retry_at, lasts: false });
    assert_eq!(model.trouble(), None, "time may cure it");
    assert_eq!(model.panes.jobs.len(), 21, "the data stay");
    assert_eq!(press(&mut model, &["F5"]), [Effect::RetryNow]);
    assert_eq!(press(&mut model, &["Alt-2", "F5"]), [Effect::RetryNow]);
    send(&mut model, Msg::Connecting { server: "10.0.0.7:30814".to_owned() });
    assert!(matches!(model.link, Link::Down { .. }), "no flicker");
    assert_eq!(model.settings.server, "10.0.0.7:30814", "it may have moved");
    send(&mut model, Msg::Connected);
    assert_eq!(model.toasts.all().last().map(|t| t.text.as_str()), Some("connected again"));
}

#[test]
fn what_only_the_operator_can_cure_is_said_once_and_stays_in_sight() {
    let mut model = busy(80, 24);
    let lost = |message: &str, lasts| {
        let fault = Fault { message: message.to_owned(), hint: Some("log in again".to_owned()) };
        Msg::Disconnected { fault, retry_at: NOW.mono, lasts }
    };
    send(&mut model, lost("c2d closed the stream", false));
    for _ in 0..3 {
        send(&mut model, lost("refused", true));
        send(&mut model, Msg::Connecting { server: "10.0.0.6:30814".to_owned() });
    }
    assert_eq!(model.trouble().as_deref(), Some("refused; log in again"));
    let said: Vec<&str> = model.toasts.all().map(|t| t.text.as_str()).collect();
    assert_eq!(said, ["lost c2d: c2d closed the stream", "refused; log in again"]);
    send(&mut model, Msg::Connected);
    assert_eq!(model.trouble(), None);
}

#[test]
fn a_c2d_that_does_not_answer_shows_and_ages_go_on() {
    let mut model = busy(80, 24);
    send(&mut model, Msg::Silent { since: NOW.mono });
    assert_eq!(model.link, Link::Silent { since: NOW.mono });
    assert!(model.next_wake().is_some(), "its age counts");
    send(&mut model, Msg::Heard);
    assert_eq!(model.link, Link::Up);
    send(&mut model, Msg::Silent { since: NOW.mono });
    send(&mut model, change(Vec::new()));
    assert_eq!(model.link, Link::Up, "an event is an answer");
    let mut model = console(80, 24);
    send(&mut model, Msg::Connecting { server: "10.0.0.6:30814".to_owned() });
    assert!(model.next_wake().is_some(), "that of a connection that does not come as well");
}

#[test]
fn how_long_jobs_take_is_asked_now_and_then_while_it_is_in_sight() {
    let asks = |effects: &[Effect]| effects.contains(&Effect::Ask(Asked::Stats));
    let mut model = console(120, 40);
    send(&mut model, Msg::Connected);
    assert!(asks(&send(&mut model, demo::snapshot(demo::workers(), demo::jobs()))));
    assert!(!asks(&send(&mut model, change(vec![demo::job(5, JobState::Failed)]))), "not with each change");
    let later = |model: &mut Model| update(model, change(Vec::new()), demo::at(60_000));
    press(&mut model, &["Alt-1", "z"]);
    assert!(!asks(&later(&mut model)), "no jobs are in sight");
    press(&mut model, &["z"]);
    assert!(asks(&later(&mut model)));
    let cell = |model: &Model| model.panes.jobs.cell(0, 9, &model.sight()).map(|cell| cell.text).unwrap_or_default();
    let told = |median_s| {
        let name = NameStats { name: "train".to_owned(), median_s: Some(median_s), ..NameStats::default() };
        Msg::Figures(Figures::Stats(Stats { names: vec![name], ..Stats::default() }))
    };
    send(&mut model, told(592.0));
    assert_eq!(cell(&model), "■■□□ ~4m56s", "half of it is over");
    send(&mut model, told(1.0));
    assert_eq!(cell(&model), "■■■■ late");
    let mut idle = console(120, 40);
    send(&mut idle, Msg::Connected);
    assert!(!asks(&send(&mut idle, demo::snapshot(Vec::new(), vec![demo::job(1, JobState::Running)]))), "no names");
}

#[test]
fn the_age_of_a_silent_worker_counts_without_an_event() {
    let mut model = console(120, 36);
    send(&mut model, Msg::Connected);
    send(&mut model, demo::snapshot(demo::workers(), Vec::new()));
    let heard = |model: &Model| {
        let grid = model.panes.grid(crate::app::panes::Pane::Workers);
        grid.cell(3, 9, &model.sight()).map(|cell| cell.text).unwrap_or_default()
    };
    assert_eq!(heard(&model), "12m34s");
    let wake = model.next_wake().expect("it is told otherwise in a second");
    assert!(wake.since_ms(model.now.mono) <= 1_000);
    update(&mut model, Msg::Tick, demo::at(wake.since_ms(NOW.mono)));
    assert_eq!(heard(&model), "12m35s");
    let mut workers = demo::workers();
    workers[3].silent_ms = Some(7_200_000);
    send(&mut model, demo::snapshot(workers, Vec::new()));
    assert!(model.next_wake().is_some_and(|wake| wake.since_ms(model.now.mono) > 1_000), "hours need no seconds");
}
