//! The rules, each with its reason and its examples.

use crate::tidy::check::Check::{
    CodeLinesAtMost, CodeNever, ImportsOnly, LinesAtMost, Opens, PathNever, TextNever, TopLevelOnly,
};
use crate::tidy::check::Rule;

const PURE: &[&str] =
    &["c2d/src/sched/", "c2-agent/src/slots.rs", "c2-agent/src/slots/", "c2-tui/src/app/", "c2-tui/src/command/lex.rs"];
const PURE_WHY: &str = "a pure core takes events and the time and gives decisions, so that tables and simulations can \
                        try every history; whatever touches the world belongs to the edges around it";

const PLAIN_WHY: &str = "everyday words read as translated; say who does what, in the words of the field";

pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "the scheduler imports only itself",
        files: &["c2d/src/sched/"],
        check: ImportsOnly(&["std", "c2_shared", "crate::sched"]),
        why: PURE_WHY,
        bad: &[
            ("c2d/src/sched/a.rs", "use serde::Serialize;"),
            ("c2d/src/sched/a.rs", "use crate::store::Writer;"),
            ("c2d/src/sched/a.rs", "use std::fmt;\nuse {tokio::sync, std::fmt};"),
        ],
        good: (
            "c2d/src/sched/a.rs",
            "pub mod view;\npub use view::Row;\nuse Side::{Left, Right};\nuse c2_shared::id::{AttemptId, JobId};\nuse crate::sched::Now;",
        ),
    },
    Rule {
        name: "the slots import only plain types",
        files: &["c2-agent/src/slots.rs", "c2-agent/src/slots/"],
        check: ImportsOnly(&["std", "c2_shared", "crate::slots"]),
        why: PURE_WHY,
        bad: &[("c2-agent/src/slots.rs", "use crate::connection::Connection;")],
        good: ("c2-agent/src/slots.rs", "use c2_shared::id::AttemptId;"),
    },
    Rule {
        name: "the console's core imports only pure modules",
        files: &["c2-tui/src/app/"],
        check: ImportsOnly(&[
            "std",
            "c2_shared",
            "crate::app",
            "crate::command",
            "crate::exit",
            "crate::lanes",
            // Plain keys and texts, without a terminal behind them.
            "crossterm::event",
            "tui_textarea",
            "memchr",
            "regex",
            "unicode_segmentation",
            "unicode_width",
            "vte",
        ]),
        why: PURE_WHY,
        bad: &[("c2-tui/src/app/a.rs", "use ratatui::Frame;"), ("c2-tui/src/app/a.rs", "use super::super::ui::draw;")],
        good: ("c2-tui/src/app/jobs/a.rs", "use super::super::model::Model;\nuse crossterm::event::KeyEvent;"),
    },
    Rule {
        name: "the lexer imports nothing",
        files: &["c2-tui/src/command/lex.rs"],
        check: ImportsOnly(&["std"]),
        why: PURE_WHY,
        bad: &[("c2-tui/src/command/lex.rs", "use shlex::split;")],
        good: ("c2-tui/src/command/lex.rs", "use std::ops::Range;"),
    },
    Rule {
        name: "pure cores touch nothing",
        files: PURE,
        check: CodeNever(
            r"\b(tokio|axum|hyper|reqwest|rusqlite|ratatui|serde|serde_json|tracing|rand|getrandom|sysinfo)::|\bstd::(fs|io|process|thread|env|os)\b|\b(Tcp|Udp|Unix)(Stream|Listener|Socket)\b|\b(Instant|SystemTime)\b|::now\(\)|\bclock_gettime\b|\bHash(Map|Set)\b|\bc2_shared::(client|config|token)\b|\bcrossterm::(terminal|cursor|style|tty|execute|queue)\b|\bEventStream\b|\blog::[a-z]+!",
        ),
        why: PURE_WHY,
        bad: &[
            ("c2d/src/sched/a.rs", "std::fs::read(path);"),
            ("c2d/src/sched/a.rs", "use std::collections::HashMap;"),
            ("c2-agent/src/slots.rs", "let now = Instant::now();"),
            ("c2-tui/src/app/a.rs", "let now = Zoned::now();"),
            ("c2-agent/src/slots.rs", "let now = clock_gettime(ClockId::Monotonic);"),
            ("c2-tui/src/app/a.rs", "tokio::spawn(x);"),
            ("c2-tui/src/app/a.rs", "use crossterm::terminal::size;"),
            ("c2-tui/src/command/lex.rs", "#[derive(serde::Serialize)]"),
        ],
        good: (
            "c2d/src/sched/a.rs",
            "// Never a HashMap.\nuse std::net::IpAddr;\n#[cfg(test)]\nmod tests { use std::fs; }",
        ),
    },
    Rule {
        name: "HTTP knows no store",
        files: &["c2d/src/http/"],
        check: CodeNever(r"\brusqlite\b|\bstore::[a-z_]+::"),
        why: "HTTP and the store are edges side by side that meet in the engine; handlers may be given the store's own \
              types, never its files, tables or statements",
        bad: &[
            ("c2d/src/http/jobs.rs", "use rusqlite::Connection;"),
            ("c2d/src/http/jobs.rs", "use crate::store::schema::JOBS;"),
        ],
        good: ("c2d/src/http/jobs.rs", "use crate::store::History;"),
    },
    Rule {
        name: "the store knows no HTTP",
        files: &["c2d/src/store/"],
        check: CodeNever(r"\b(axum|hyper|http|tower)::"),
        why: "the store keeps decisions for whoever asks; another interface must be possible beside HTTP",
        bad: &[("c2d/src/store/writer.rs", "use axum::Json;"), ("c2d/src/store/load.rs", "crate::http::page()")],
        good: ("c2d/src/store/writer.rs", "use rusqlite::Connection;"),
    },
    Rule {
        name: "commands know no screen",
        files: &["c2-tui/src/command/"],
        check: CodeNever(r"\b(ratatui|crossterm|tui_textarea)\b|\bcrate::(ui|event_loop|app)\b"),
        why: "the same commands serve the full screen and scripts; what they say is an outcome, drawn elsewhere",
        bad: &[
            ("c2-tui/src/command/exec.rs", "use ratatui::text::Line;"),
            ("c2-tui/src/command/exec.rs", "crate::ui::toast()"),
        ],
        good: ("c2-tui/src/command/exec.rs", "use c2_shared::client::Client;"),
    },
    Rule {
        name: "views know no client",
        files: &["c2-tui/src/ui/"],
        check: CodeNever(r"\bc2_shared::client\b|\b(reqwest|tokio)::|\bstd::(fs|process|env)\b"),
        why: "a view draws the model it is given; one that could ask c2d would sometimes wait for it",
        bad: &[("c2-tui/src/ui/jobs.rs", "use c2_shared::client::Client;")],
        good: ("c2-tui/src/ui/jobs.rs", "use ratatui::Frame;"),
    },
    Rule {
        name: "files stay short",
        files: &["shared/", "c2d/", "c2-agent/", "c2-tui/"],
        check: CodeLinesAtMost(400),
        why: "a file is read from top to bottom; a longer one answers for more than one thing",
        bad: &[("c2d/src/a.rs", LONG)],
        good: ("c2d/src/a.rs", "//! Short.\n#[cfg(test)]\nmod tests {\n}\n"),
    },
    Rule {
        name: "files of tests stay short",
        files: &["tests/"],
        check: CodeLinesAtMost(500),
        why: "a file is read from top to bottom; a longer one answers for more than one thing",
        bad: &[("tests/src/a.rs", LONG)],
        good: ("tests/src/a.rs", "//! Short.\n#[cfg(test)]\nmod tests {\n}\n"),
    },
    Rule {
        name: "main.rs stays thin",
        files: &["c2d/src/main.rs", "c2-agent/src/main.rs", "c2-tui/src/main.rs"],
        check: LinesAtMost(80),
        why: "a program is arguments, configuration, logging and one call of its library, where tests reach it",
        bad: &[("c2d/src/main.rs", LONG)],
        good: ("c2d/src/main.rs", "//! Starts c2d.\nfn main() {}\n"),
    },
    Rule {
        name: "ARCHITECTURE.md stays short",
        files: &["ARCHITECTURE.md"],
        check: LinesAtMost(200),
        why: "a map that takes longer than ten minutes is not read",
        bad: &[("ARCHITECTURE.md", LONG)],
        good: ("ARCHITECTURE.md", "# Architecture\n"),
    },
    Rule {
        name: "every file says what it answers for",
        files: &["*.rs"],
        check: Opens("//! "),
        why: "whoever opens a file wants to know first whether it is the right one",
        bad: &[("c2d/src/a.rs", "use std::fmt;"), ("c2d/src/a.rs", "")],
        good: ("c2d/src/a.rs", "//! Reads the clock.\n"),
    },
    Rule {
        name: "modules are named by their content",
        files: &["*.rs"],
        check: PathNever(r"(^|/)(utils?|helpers?|common|managers?|misc)(\.rs|/)"),
        why: "a name that fits everything collects everything",
        bad: &[("c2d/src/utils.rs", ""), ("c2-tui/src/common/mod.rs", ""), ("c2d/src/http/helper.rs", "")],
        good: ("c2d/src/sched/locks.rs", ""),
    },
    Rule {
        name: "nothing is left for later",
        files: &["*.rs"],
        check: TextNever(r"\b(TO~DO|FIX~ME|XX~X)\b|\b(to~do|unimple~mented)!|#\[ig~nore"),
        why: "what is missing belongs to the list of what is absent and why, what is ignored is not tested",
        bad: &[
            ("c2d/src/a.rs", "// TO~DO: later"),
            ("c2d/src/a.rs", "unimple~mented!()"),
            ("c2d/src/a.rs", "#[ig~nore]"),
        ],
        good: ("c2d/src/a.rs", "// Later versions may do more.\n"),
    },
    Rule {
        name: "no code in comments",
        files: &["*.rs"],
        check: TextNever(r"^\s*//\s*((let|use|pub|fn|impl|match|return|mod)\b.*[;{]|\}|[a-z_.:]+\(.*\);|#\[.*\])\s*$"),
        why: "git remembers what was there; a reader cannot know whether it should be",
        bad: &[
            ("c2d/src/a.rs", "    //~ let x = 1;"),
            ("c2d/src/a.rs", "//~ self.store.commit(batch);"),
            ("c2d/src/a.rs", "//~ pub fn old() {"),
        ],
        good: (
            "c2d/src/a.rs",
            "// Use what is there; nothing else\n//! let x = 1;\n// match the order of the store.\n",
        ),
    },
    Rule {
        name: "no paths of one machine",
        files: &["*"],
        check: TextNever(r"/wo~rk/|/ro~ot/|/ho~me/"),
        why: "a checkout lies elsewhere for everybody else",
        bad: &[("README.md", "cd /ho~me/me/c2"), ("c2d/src/a.rs", "\"/wo~rk/c2\"")],
        good: ("README.md", "cd c2; ls ~/.local/state"),
    },
    Rule {
        name: "texts for users are plain English",
        files: &[
            "README.md",
            "ARCHITECTURE.md",
            "CHANGELOG.md",
            ".github/",
            "assets/guide/src/",
            "assets/man/",
            "assets/systemd/",
            "shared/src/api/endpoint/list.rs",
        ],
        check: TextNever(
            r"(?i)\b(whoever|anew|nobody|somebody|mend|mends|spoilt|worthless|go on|goes on|look whether|see whether)\b",
        ),
        why: PLAIN_WHY,
        bad: &[
            ("README.md", "Whoever starts it anew"),
            ("assets/guide/src/jobs.md", "mend config.json"),
            ("ARCHITECTURE.md", "Nobody looks, and the queue goes on"),
        ],
        good: ("README.md", "No one can read it; fix config.json and restart. Recommended.\n"),
    },
    Rule {
        name: "messages are plain English",
        files: &["c2d/src/", "c2-agent/src/", "c2-tui/src/", "shared/src/"],
        check: CodeNever(
            r#""[^"]*\b([Ww]hoever|anew|[Nn]obody|[Ss]omebody|mend|mends|spoilt|worthless|go on|goes on|look whether|see whether)\b[^"]*""#,
        ),
        why: PLAIN_WHY,
        bad: &[
            ("c2d/src/a.rs", "refuse(\"somebody else has it\")"),
            ("c2-agent/src/a.rs", "let hint = \"see whether it goes on\";"),
        ],
        good: ("c2d/src/a.rs", "// Nobody sees this.\nlet hint = \"check that it continues\";\n"),
    },
    Rule {
        name: "the top level is fixed",
        files: &["*"],
        check: TopLevelOnly(&[
            "Cargo.toml",
            "Cargo.lock",
            "c2d",
            "c2-agent",
            "c2-tui",
            "shared",
            "assets",
            "tests",
            "README.md",
            "ARCHITECTURE.md",
            "CHANGELOG.md",
            "LICENSE-APACHE",
            "LICENSE-MIT",
            "clippy.toml",
            "rustfmt.toml",
            "deny.toml",
            "rust-toolchain.toml",
            ".gitignore",
            ".ci",
            ".github",
        ]),
        why: "three programs, what they share, what they come with, and their tests: everything has its place",
        bad: &[("scripts/build.sh", ""), ("NOTES.md", "")],
        good: ("tests/src/lib.rs", ""),
    },
];

/// More than 400 lines.
const LONG: &str = match std::str::from_utf8(&[b'\n'; 700]) {
    Ok(lines) => lines,
    Err(_) => "",
};
