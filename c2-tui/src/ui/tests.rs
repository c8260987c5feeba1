//! Screens as snapshots, and a matrix of sizes that must not panic.

use c2_shared::api::events::{Change, Event};
use c2_shared::api::jobs::QueueStatus;
use c2_shared::api::schedules::ScheduleList;
use c2_shared::api::workers::WorkerList;
use c2_shared::job::JobState;
use c2_shared::time::Mono;
use c2_shared::worker::WorkerStatus;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;

use crate::app::figures::Figures;
use crate::app::report::{Fault, Report};
use crate::app::update::{figures_tests, output_tests};
use crate::app::{Effect, Model, Msg};
use crate::app::{keymap, layout, panes};
use crate::command::{Data, Outcome, Theme, commands};
use crate::render;
use crate::tests::demo::{self, NOW, busy, console, press, send};
use crate::ui::draw;

pub(super) fn screen(model: &Model) -> String {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    terminal.draw(|frame| drop(draw(model, frame))).unwrap();
    // Behind the row the backend tells which cells wide characters cover.
    let row =
        |line: &str| line.split("\" Hidden by").next().unwrap_or_default().trim_matches('"').trim_end().to_owned();
    terminal.backend().to_string().lines().map(|line| row(line) + "\n").collect()
}

/// The same state at both sizes.
fn both(name: &str, make: impl Fn(u16, u16) -> Model) {
    for (width, height) in [(80, 24), (140, 40)] {
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), screen(&make(width, height)));
    }
}

pub(super) fn with(keys: &'static [&'static str]) -> impl Fn(u16, u16) -> Model {
    move |width, height| {
        let mut model = busy(width, height);
        press(&mut model, keys);
        model
    }
}

fn down(model: &mut Model) {
    let hint = "start it with `c2d`, or everything on this machine with `c2-tui --local`".to_owned();
    let fault = Fault { message: "cannot reach c2d at 10.0.0.6:30814".to_owned(), hint: Some(hint) };
    send(model, Msg::Disconnected { fault, retry_at: Mono(NOW.mono.0 + 4_000), lasts: false });
}

fn refused(model: &mut Model) {
    let hint = "log in again: `c2d invite --role operator` on its machine, then `c2-tui login LINE` here".to_owned();
    let message = "c2d at 10.0.0.6:30814 refuses the token of this console: it was revoked or replaced".to_owned();
    let fault = Fault { message, hint: Some(hint) };
    send(model, Msg::Disconnected { fault, retry_at: Mono(NOW.mono.0 + 10_000), lasts: true });
}

type Make = fn(u16, u16) -> Model;

/// A console in each state in which an operator may find it.
const STATES: [(&str, Make); 15] = [
    ("fresh", |width, height| {
        let mut model = console(width, height);
        send(&mut model, Msg::Connected);
        send(&mut model, demo::snapshot(Vec::new(), Vec::new()));
        model
    }),
    ("busy", busy),
    ("queued-5000", |width, height| {
        let mut model = console(width, height);
        send(&mut model, Msg::Connected);
        let queued = (100..5_100).map(|n| demo::job(n, JobState::Queued));
        send(&mut model, demo::snapshot(demo::workers(), demo::jobs().into_iter().chain(queued).collect()));
        press(&mut model, &["Alt-2"]);
        model
    }),
    ("failing", |width, height| {
        let mut model = busy(width, height);
        send(&mut model, demo::change((30..45).map(|n| demo::job(n, JobState::Failed)).collect()));
        model
    }),
    ("paused", |width, height| {
        let mut model = busy(width, height);
        let queue = QueueStatus { paused: true, ..demo::queue(&demo::jobs()) };
        send(&mut model, Msg::Event(Event::Change(Box::new(Change { queue, ..Change::default() }))));
        model
    }),
    ("unreachable", |width, height| {
        let mut model = busy(width, height);
        let (mut workers, mut jobs) = (demo::workers(), demo::jobs());
        (workers[0].status, workers[0].silent_ms) = (WorkerStatus::Offline, Some(154_000));
        let on_first = jobs.iter_mut().filter(|job| job.worker == Some(demo::ip(11)) && job.ended_ms.is_none());
        on_first.for_each(|job| job.unreachable = true);
        let queue = QueueStatus { cannot_run: 1, recovering: true, ..demo::queue(&jobs) };
        let change = Change { workers: vec![workers.remove(0)], jobs, queue, ..Change::default() };
        send(&mut model, Msg::Event(Event::Change(Box::new(change))));
        press(&mut model, &["Alt-2", "g"]);
        model
    }),
    ("hung", |width, height| {
        let mut model = busy(width, height);
        send(&mut model, Msg::Silent { since: Mono(NOW.mono.0 - 4_000) });
        model
    }),
    ("disconnected", |width, height| {
        let mut model = with(&["Alt-2"])(width, height);
        down(&mut model);
        model
    }),
    ("read-only", |width, height| {
        let mut model = busy(width, height);
        model.settings.readonly = true;
        press(&mut model, &["Alt-2", "c"]);
        model
    }),
    ("light", |width, height| {
        let mut model = with(&["Alt-2", "Down", "Space"])(width, height);
        model.settings.theme = Theme::Light;
        model
    }),
    ("timeline", |width, height| {
        let mut model = with(&["F7"])(width, height);
        send(&mut model, figures_tests::day());
        model
    }),
    ("failures", |width, height| {
        let mut model = with(&["F6"])(width, height);
        send(&mut model, figures_tests::failures());
        model
    }),
    ("schedules", |width, height| {
        let mut model = with(&["F8"])(width, height);
        send(&mut model, figures_tests::schedules());
        model
    }),
    ("no-schedules", |width, height| {
        let mut model = with(&["F8"])(width, height);
        send(&mut model, Msg::Figures(Figures::Schedules(ScheduleList::default())));
        model
    }),
    ("ascii", |width, height| {
        let mut model = busy(width, height);
        model.settings.ascii = true;
        press(&mut model, &["Alt-2"]);
        assert!(screen(&model).is_ascii());
        model
    }),
];

#[test]
fn each_state_at_each_size() {
    for (name, make) in STATES {
        for (width, height) in [(40, 12), (80, 24), (120, 36), (200, 50)] {
            insta::assert_snapshot!(format!("state-{name}-{width}x{height}"), screen(&make(width, height)));
        }
    }
}

/// How much lighter one colour is than another: from 1 to 21, as the guidelines for web pages count it.
fn contrast(a: Color, b: Color) -> f64 {
    let light = |colour| {
        let Color::Rgb(r, g, b) = colour else { panic!("{colour:?} depends on the terminal") };
        let part = |byte: u8| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
    };
    let (a, b) = (light(a) + 0.05, light(b) + 0.05);
    a.max(b) / a.min(b)
}

/// Each letter of each state can be read on its ground, in the themes that bring one.
#[test]
fn letters_stand_out_from_their_ground() {
    for theme in [Theme::Light, Theme::Dark] {
        for (name, make) in STATES {
            let mut model = make(120, 36);
            model.settings.theme = theme;
            let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
            terminal.draw(|frame| drop(draw(&model, frame))).unwrap();
            for cell in &terminal.backend().buffer().content {
                if cell.symbol().chars().any(char::is_alphanumeric) {
                    let seen = contrast(cell.fg, cell.bg);
                    assert!(seen >= 4.5, "{theme:?}, {name}: {:?} is seen {seen:.1}", cell.symbol());
                }
            }
        }
    }
}

/// Two boxes side by side share the line between them: no line stands beside another.
#[test]
fn neighbours_share_one_line() {
    for (name, make) in STATES {
        for (width, height) in [(40, 12), (80, 24), (120, 36), (200, 50)] {
            let mut model = make(width, height);
            press(&mut model, &["p"]);
            let screen = layout::screen(&model);
            let boxes = screen.panes.iter().map(|(_, area)| *area).chain(screen.page).chain(screen.preview);
            let boxes: Vec<_> = boxes.chain(screen.result.filter(|_| screen.page.is_none())).collect();
            for (a, b) in boxes.iter().flat_map(|a| boxes.iter().map(move |b| (a, b))) {
                let rows = a.y < b.y + b.height && b.y < a.y + a.height;
                let columns = a.x < b.x + b.width && b.x < a.x + a.width;
                assert!(!(rows && a.x + a.width == b.x), "{name} {width}x{height}: {a:?} beside {b:?}");
                assert!(!(columns && a.y + a.height == b.y), "{name} {width}x{height}: {a:?} over {b:?}");
            }
        }
    }
}

/// What has no room in the first line is left out: half a number is worse than none.
#[test]
fn the_first_line_cuts_no_count() {
    let first = |width| screen(&busy(width, 24)).lines().next().unwrap_or_default().to_owned();
    let whole = first(200);
    let parts: Vec<&str> = whole.trim().split("   ").collect();
    assert_eq!(parts.len(), 8, "{whole}");
    for width in 60..200 {
        let shown = first(width);
        let left: Vec<&str> = shown.trim().split("   ").collect();
        let mut rest = parts.iter();
        assert!(
            left.iter().all(|part| rest.any(|other| other == part)),
            "each is whole and in its place: {width}: {shown}"
        );
        let has = |word: &str| left.iter().any(|part| part.starts_with(word));
        assert!(has("running") && has("queued"), "the counts matter most: {width}: {shown}");
        assert!(has("workers") || !has("slots"), "{width}: {shown}");
    }
    let whole = first(59);
    let parts: Vec<&str> = whole.trim().split("  ").collect();
    assert_eq!(parts, ["●", "3 running", "16 queued", "2/4 workers"], "what matters most");
    for width in 20..60 {
        let shown = first(width);
        assert!(shown.trim().split("  ").all(|part| parts.contains(&part)), "{width}: {shown}");
    }
    let text = screen(&busy(20, 5));
    assert!(!text.contains("C2 "), "where only a pane has room there is none: {text}");
}

#[test]
fn a_long_command_is_cut_in_its_middle_and_whole_below() {
    let mut model = with(&["Alt-2"])(200, 50);
    let text = screen(&model);
    let row = text.lines().find(|line| line.contains("job-4 ")).unwrap_or_default();
    assert!(row.contains("train  python") && row.contains('…') && row.contains("--out runs/7"), "{row}");
    let whole = "python train.py --model resnet50 --epochs 90 --data /srv/imagenet --out runs/7";
    assert!(text.lines().rev().take(4).any(|line| line.contains(whole)), "{text}");
    // Where a border is also that of the pane below, it stands above it.
    send(&mut model, Msg::Resize { width: 80, height: 24 });
    let text = screen(&model);
    assert!(text.contains("› train  python train.py"), "{text}");
}

/// A thing has the same word in a pane as in a list, and a state the same as in the first line.
#[test]
fn words_mean_the_same_in_panes_and_lists() {
    let outcome: Outcome = Data::Workers(WorkerList { workers: demo::workers() }).into();
    let list = render::text(&outcome, 200, false);
    let heads = list.lines().next().unwrap_or_default().to_lowercase();
    let panes: Vec<&str> = panes::workers::COLUMNS.iter().map(|column| column.name).collect();
    for head in heads.split_whitespace() {
        let head = match head {
            // The one says whose they are, the other one has it in its title.
            "worker" => "address",
            "groups" => "group",
            head => head,
        };
        assert!(panes.contains(&head), "{head} is not in {panes:?}");
    }
    let first = screen(&busy(200, 50)).lines().next().unwrap_or_default().to_owned();
    for state in [JobState::Queued, JobState::Running, JobState::Blocked, JobState::Held] {
        assert!(first.contains(&format!("   {state} ")), "{state}: {first}");
    }
    let words: Vec<&str> = keymap::TABLE.iter().map(|binding| binding.words).collect();
    let helped = words.into_iter().chain(commands().iter().map(|command| command.summary.as_str()));
    for words in helped {
        for other in ["node", "task", "hostname", "last seen", "pending"] {
            let is_word = words.split(|c: char| !c.is_alphanumeric()).any(|word| word == other);
            assert!(!is_word, "{words:?} has another word for the same thing");
        }
    }
}

#[test]
fn a_long_line_scrolls_sideways_with_its_caret() {
    let mut model = busy(80, 24);
    let words: String = (0..40).map(|n| format!("word{n:02} ")).collect();
    press(&mut model, &[&words]);
    let row = |model: &Model| screen(model).lines().rev().nth(1).unwrap_or_default().to_owned();
    assert!(row(&model).contains("word39") && !row(&model).contains("word00"), "{}", row(&model));
    press(&mut model, &["Ctrl-A"]);
    assert!(row(&model).contains("word00") && !row(&model).contains("word39"), "{}", row(&model));
}

/// Where six keys have room, six are named.
#[test]
fn six_keys_are_named() {
    let places: [&[&str]; 10] = [
        &[],
        &["Alt-1"],
        &["Alt-2"],
        &["Alt-4"],
        &["Alt-2", "Enter"],
        &["Alt-2", "f"],
        &["Alt-1", "Enter"],
        &["F6"],
        &["F7"],
        &["F8"],
    ];
    for keys in places {
        let mut model = busy(100, 30);
        press(&mut model, keys);
        let text = screen(&model);
        let last = text.lines().last().unwrap_or_default().trim().to_owned();
        assert_eq!(last.split("   ").count(), 6, "{keys:?}: {last}");
    }
}

#[test]
fn a_token_that_was_refused() {
    both("token-refused", |width, height| {
        let mut model = busy(width, height);
        refused(&mut model);
        press(&mut model, &["messages", "Enter"]);
        model
    });
}

#[test]
fn never_connected() {
    both("never-connected", |width, height| {
        let mut model = console(width, height);
        down(&mut model);
        model
    });
}

#[test]
fn busy_cluster() {
    both("busy-jobs-focused", with(&["Alt-2", "Down", "Space", "Down"]));
}

#[test]
fn filtered() {
    both("filter-typing", with(&["Alt-2", "/", "state:queued group:gpu"]));
    both("filter-wrong", with(&["Alt-2", "/", "re:(x"]));
    both("filter-nothing", with(&["Alt-2", "/", "zebra", "Enter"]));
}

fn finished(model: &mut Model, line: &str, report: Report) {
    let effects = press(model, &[line, "Enter"]);
    let run = effects.iter().find_map(|e| if let Effect::Execute { run, .. } = e { Some(*run) } else { None });
    send(model, Msg::Finished { run: run.expect("the line runs"), report });
}

#[test]
fn results() {
    both("result", |width, height| {
        let mut model = busy(width, height);
        let text = (1..=40).map(|n| format!("job-{n:<4} succeeded   echo {n}\n")).collect();
        finished(&mut model, "jobs --all", Report { text, ..Report::default() });
        model
    });
    both("result-error", |width, height| {
        let mut model = busy(width, height);
        let fault =
            Fault { message: "unknown group \"gpuu\"".to_owned(), hint: Some("did you mean \"gpu\"?".to_owned()) };
        finished(&mut model, "submit x --group=gpuu", Report { fault: Some(fault), status: 1, ..Report::default() });
        model
    });
}

#[test]
fn the_line() {
    both("line-usage", with(&["submit \"python train.py"]));
    both("line-unknown", with(&["sumbit x"]));
    both("line-menu", with(&["info ", "Tab", "Tab"]));
    both("line-ghost", |width, height| {
        let mut model = busy(width, height);
        send(&mut model, Msg::History(vec!["submit \"make -j8\" --group=compute".to_owned()]));
        press(&mut model, &["sub"]);
        model
    });
    both("line-search", |width, height| {
        let mut model = busy(width, height);
        send(&mut model, Msg::History(vec!["submit \"make -j8\" --group=compute".to_owned()]));
        press(&mut model, &["Ctrl-R", "make"]);
        model
    });
}

#[test]
fn over_the_screen() {
    both("help", with(&["Alt-2", "?"]));
    both("palette", with(&["F1", "job"]));
    both("question", with(&["Alt-2", "c"]));
    both("question-many", with(&["Alt-2", "*", "c", "1"]));
}

#[test]
fn pages() {
    both("page-worker", with(&["Alt-1", "Enter"]));
    both("page-job", |width, height| {
        let mut model = busy(width, height);
        press(&mut model, &["Alt-4", "Down", "Enter"]);
        let row = demo::job(2, JobState::Failed);
        send(&mut model, Msg::Fetched { job: row.job_id, info: Ok(demo::info(row)) });
        let document = crate::app::report::DocumentId(1);
        let opened = Effect::OpenOutput { document, job: c2_shared::id::JobId(2), shown: Default::default() };
        output_tests::serve(&mut model, &[opened], "epoch 1\tloss 0.93\nepoch 2\tloss 0.71\n");
        model
    });
    both("preview", |width, height| {
        let mut model = busy(width, height);
        let effects = press(&mut model, &["Alt-2", "p"]);
        output_tests::serve(&mut model, &effects, "epoch 1\tloss 0.93\nepoch 2\tloss 0.71\n");
        model
    });
}

/// An output in colours, with wide characters and a match, in the states of the status line.
#[test]
fn outputs() {
    let text: String = (1..=60)
        .map(|n| format!("\x1b[3{}mstep {n}\x1b[0m  loss 0.{n:02}  日本語 {}\n", n % 8, "=".repeat(60)))
        .collect();
    let with = |keys: &'static [&'static str]| {
        let text = text.clone();
        move |width, height| {
            let mut model = output_tests::opened(width, height, &text);
            press(&mut model, keys);
            model
        }
    };
    both("output", with(&[]));
    both("output-search", with(&["g", "-", "N", "/", "step .5", "Enter", "n"]));
    both("output-typing", with(&["g", "?", "a(b"]));
    both("output-filter", with(&["g", "-", "S", "C", "&", "7  ", "Enter"]));
    both("output-about", with(&["="]));
}

#[test]
fn a_match_is_told_by_more_than_colour() {
    let mut model = output_tests::opened(80, 24, "one\ntwo \x1b[38;2;9;8;7mthree\x1b[0m\n");
    press(&mut model, &["/", "wo t"]);
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| drop(draw(&model, frame))).unwrap();
    let cells = &terminal.backend().buffer().content;
    let reversed = cells.iter().filter(|c| c.modifier.contains(ratatui::style::Modifier::REVERSED));
    assert_eq!(reversed.map(ratatui::buffer::Cell::symbol).collect::<String>(), "wo t");
    assert!(cells.iter().any(|c| c.fg == Color::Rgb(9, 8, 7)));
}

#[test]
fn toasts() {
    both("toasts", |width, height| {
        let mut model = busy(width, height);
        down(&mut model);
        send(&mut model, Msg::Connected);
        send(&mut model, Msg::Notice("a plain notice".to_owned()));
        model
    });
}

#[test]
fn small_screens() {
    for (width, height) in [(59, 20), (40, 10), (20, 5), (19, 4)] {
        let mut model = busy(width, height);
        press(&mut model, &["Alt-1"]);
        insta::assert_snapshot!(format!("small-{width}x{height}"), screen(&model));
    }
}

#[test]
fn large_screens_and_zoom() {
    insta::assert_snapshot!("zoom-workers-140x40", screen(&with(&["Alt-1", "z"])(140, 40)));
}

#[test]
fn without_colours_bold_and_reverse_stay() {
    let mut model = with(&["Alt-2"])(80, 24);
    model.settings.no_color = true;
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| drop(draw(&model, frame))).unwrap();
    let cells = &terminal.backend().buffer().content;
    assert!(cells.iter().all(|c| c.fg == Color::Reset && c.bg == Color::Reset));
    let has = |modifier| cells.iter().any(|c| c.modifier.contains(modifier));
    assert!(has(ratatui::style::Modifier::REVERSED) && has(ratatui::style::Modifier::BOLD));
}

#[test]
fn no_size_panics() {
    const STATES: [&[&str]; 13] = [
        &[],
        &["Alt-2"],
        &["Alt-1", "z"],
        &["Alt-1", "Enter"],
        &["Alt-4", "Enter"],
        &["Alt-4", "Enter", "-", "S", "-", "N", "t", "/", "x"],
        &["F6"],
        &["F7"],
        &["F8"],
        &["Alt-2", "?"],
        &["F1"],
        &["Alt-2", "*", "c"],
        &["info ", "Tab"],
    ];
    let edges = [0, 1, 2, 3, 5, 10, 14, 15, 19, 20, 21, 40, 59, 60, 80, 119, 120, 250];
    for keys in STATES {
        for width in edges {
            for height in [0, 1, 2, 4, 5, 6, 8, 14, 15, 24, 60] {
                let mut model = busy(80, 24);
                press(&mut model, keys);
                send(&mut model, figures_tests::day());
                send(&mut model, figures_tests::failures());
                send(&mut model, figures_tests::schedules());
                model.result = None;
                send(&mut model, Msg::Resize { width, height });
                screen_of_any_size(&model, width, height);
                // A frame may come before the resize is told.
                screen_of_any_size(&model, height, width);
            }
        }
    }
}

fn screen_of_any_size(model: &Model, width: u16, height: u16) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| drop(draw(model, frame))).unwrap();
}
