//! The pictures of the README: the real views, drawn from a made-up home.
//!
//! The test holds that the pictures are those of the present views. With `C2_SCREENSHOTS=update` it
//! makes them anew.

mod home;
mod svg;

use std::path::Path;

use c2_shared::time::Mono;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use self::svg::{DARK, LIGHT, Palette};
use crate::app::msg::News;
use crate::app::report::{DocumentId, Fault, Report};
use crate::app::update::output_tests::serve;
use crate::app::watch::Tally;
use crate::app::{Effect, Model, Msg};
use crate::tests::demo::{NOW, press, send};
use crate::ui::draw;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets");

fn picture(model: &Model, palette: &Palette) -> String {
    let mut terminal = Terminal::new(TestBackend::new(model.size.0, model.size.1)).unwrap();
    terminal.draw(|frame| drop(draw(model, frame))).unwrap();
    svg::picture(terminal.backend().buffer(), palette)
}

fn panes(width: u16, height: u16) -> Model {
    let mut model = home::busy(width, height);
    press(&mut model, &["Alt-2", "Down", "Down"]);
    model
}

fn output() -> Model {
    let mut text = String::from("\x1b[1mresnet50\x1b[0m  90 epochs, 1281167 images, batch 256, amp\n");
    for epoch in 1..=34 {
        let loss = 6.9 / (1.0 + f64::from(epoch) * 0.21);
        let top = 100.0 - 100.0 / (1.0 + f64::from(epoch) * 0.16);
        text += &format!(
            "epoch \x1b[36m{epoch:>2}\x1b[0m/90  loss {loss:.4}  top-1 \x1b[32m{top:5.2} %\x1b[0m  1842 images/s\n"
        );
        if epoch % 11 == 0 {
            text += &format!("\x1b[33mwarning: learning rate lowered to {:.0e}\x1b[0m\n", 0.1 / f64::from(epoch));
        }
    }
    let mut model = home::busy(100, 28);
    press(&mut model, &["Alt-2", "Enter"]);
    let effects = press(&mut model, &["Enter"]);
    serve(&mut model, &effects, &text);
    press(&mut model, &["?", "warning", "Enter"]);
    model
}

fn pdsh() -> Model {
    let mut model = home::busy(100, 28);
    press(&mut model, &["pdsh @compute --fold 'uname -r; uptime -p'", "Enter"]);
    let effects = press(&mut model, &["y"]);
    serve(&mut model, &effects, "\x1b[36m10.0.0.6:\x1b[0m 6.1.0-27-amd64\n");
    let tally = Tally { workers: 4, done: 3, failed: 0, unreachable: 1 };
    send(&mut model, Msg::Output { document: DocumentId(1), news: News::Tally(tally) });
    let run = effects.iter().find_map(|effect| if let Effect::Watch { run, .. } = effect { Some(*run) } else { None });
    let fold = "\x1b[1m--- 2 workers: 10.0.0.6,10.0.0.11\x1b[0m\n6.1.0-27-amd64\nup 3 weeks, 2 days, 4 hours\n\
                \x1b[1m--- 10.0.0.12\x1b[0m\n\x1b[31m- 6.1.0-27-amd64\x1b[0m\n\x1b[32m+ 6.1.0-23-amd64\x1b[0m\n\
                \x1b[1m--- 10.0.0.13\x1b[0m\n\x1b[2munreachable: ssh: connect to host 10.0.0.13 port 22: No route to host\x1b[0m\n";
    let report = Report { status: 255, fold: Some(fold.to_owned()), ..Report::default() };
    send(&mut model, Msg::Finished { run: run.expect("it was confirmed"), report });
    model
}

fn timeline() -> Model {
    let mut model = home::busy(100, 28);
    press(&mut model, &["F7"]);
    send(&mut model, home::day());
    model
}

fn lost() -> Model {
    let mut model = home::busy(80, 24);
    press(&mut model, &["Alt-1"]);
    let fault = Fault { message: "cannot reach c2d at 10.0.0.6:30814".to_owned(), hint: None };
    send(&mut model, Msg::Disconnected { fault, retry_at: Mono(NOW.mono.0 + 4_000), lasts: false });
    model
}

#[test]
fn the_pictures_are_those_of_the_present_views() {
    let pictures = [
        ("console", picture(&panes(140, 40), &DARK)),
        ("console-light", picture(&panes(140, 40), &LIGHT)),
        ("output", picture(&output(), &DARK)),
        ("pdsh", picture(&pdsh(), &DARK)),
        ("timeline", picture(&timeline(), &DARK)),
        ("lost", picture(&lost(), &DARK)),
    ];
    let update = std::env::var("C2_SCREENSHOTS").is_ok_and(|word| word == "update");
    for (name, picture) in pictures {
        let file = Path::new(FOLDER).join(format!("{name}.svg"));
        if update {
            std::fs::write(&file, &picture).unwrap();
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(kept == picture, "{name}.svg is not the present view; make it anew with C2_SCREENSHOTS=update");
    }
}
