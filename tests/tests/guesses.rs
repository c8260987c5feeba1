//! Lines that people guess, from the README and from the habits of other tools: each works, or its one hint leads to one
//! that does, and that one does what was meant.

use anyhow::ensure;
use c2_tests::scenario;
use c2_tui::for_tests;

crate::tests![
    a_guessed_line_works_or_its_hint_leads_to_one_that_does,
    what_a_hint_leads_to_is_what_was_meant,
    what_a_hint_leads_to_is_understood_by_c2d,
];

/// Lines that somebody guesses, each with what is wanted: `ok`, or that to which its hint leads.
fn guessed() -> Vec<(&'static str, &'static str)> {
    let lines = [
        include_str!("../data/guessed_lines.txt"),
        include_str!("../data/guessed_habits.txt"),
        include_str!("../data/guessed_elsewhere.txt"),
    ];
    let lines = lines.into_iter().flat_map(str::lines);
    let lines: Vec<_> = lines.filter_map(|line| line.rsplit_once(" => ")).collect();
    assert!(lines.len() >= 760, "{}", lines.len());
    lines
}

/// The line to which a hint leads, if it gives a whole one.
fn led_to(line: &str) -> Option<String> {
    let hint = for_tests::hint(line)?;
    let whole = ["write it as: ", "put the command in quotes: "].iter().find_map(|before| hint.strip_prefix(before));
    if whole.is_some_and(|ours| ours.starts_with("c2-tui ") || ours.starts_with("c2-agent ")) {
        // For a shell, and perhaps on another machine.
        return None;
    }
    if let Some(ours) = whole.filter(|ours| !ours.starts_with(['-', '"'])) {
        return Some(ours.to_owned());
    }
    let message = for_tests::parse(line).err()?;
    let (wrong, words) = (message.split('"').nth(1)?, line.split(' ').collect::<Vec<_>>());
    if let Some(near) = hint.strip_prefix("did you mean \"").and_then(|near| near.strip_suffix("\"?")) {
        return Some(line.replacen(wrong, near, 1));
    }
    // `--group=GROUP` stands for the flag that was typed, and for the word beside it if that was its value.
    let flag = whole.filter(|flag| flag.starts_with('-'))?.split([',', ' ']).next()?;
    let at = words.iter().position(|word| word.split('=').next() == Some(wrong))?;
    let takes_next = flag.contains('=') && !words[at].contains('=');
    let behind = words.get(at + 1 + usize::from(takes_next)..).unwrap_or_default();
    Some([&words[..at], &[flag], behind].concat().join(" "))
}

/// A line with values in place of the words that stand for them.
fn with_values(line: &str) -> String {
    let values = [
        ("=GROUP", "=gpu"),
        ("=TAG", "=disk"),
        ("=NAME=N", "=license=1"),
        ("=NAME", "=night"),
        ("=N", "=1"),
        ("=DUR", "=5m"),
        ("=JOB", "=1"),
        ("=DIR", "=/tmp"),
        ("=KEY=VALUE", "=A=1"),
        ("=KEY", "=k"),
        ("=TIME", "=18:00"),
        ("=FILE", "=data.txt"),
        ("=GLOB", "=*.png"),
        ("=WORKER", "=nas"),
        ("=WHAT", "=fail"),
        ("=MODE", "=022"),
        ("=SIZE", "=4G"),
        ("=SHELL", "=bash"),
        (" FILE", " inputs.txt"),
        (" NAME ", " night "),
        (" TARGET", " 127.0.0.2"),
        (" WORKER", " 127.0.0.2"),
        ("nas", "127.0.0.2"),
        ("10.0.0.11,10.0.0.12", "127.0.0.2"),
        ("10.0.0.11", "127.0.0.2"),
    ];
    let is_end = |text: &str| !text.starts_with(|c: char| c.is_alphanumeric() || c == '=');
    values.into_iter().fold(line.to_owned(), |line, (word, value)| match line.split_once(word) {
        Some((before, behind)) if is_end(behind) || !word.starts_with('=') => format!("{before}{value}{behind}"),
        _ => line,
    })
}

fn a_guessed_line_works_or_its_hint_leads_to_one_that_does() {
    let mut wrong = Vec::new();
    for (line, wanted) in guessed() {
        match for_tests::parse(line) {
            Ok(()) if wanted == "ok" => {}
            Ok(()) => wrong.push(format!("{line} is understood, and {wanted:?} was wanted")),
            Err(message) => {
                let hint = for_tests::hint(line).unwrap_or_default();
                if wanted == "ok" || !format!("{message}\n{hint}").contains(wanted) {
                    wrong.push(format!("{line}: {message}; {hint}; and not {wanted:?}"));
                }
                // In one step: what the hint says can be typed.
                if let Some(Err(message)) = led_to(line).map(|ours| for_tests::parse(&with_values(&ours))) {
                    wrong.push(format!("{line}: {:?} is not understood: {message}", led_to(line)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lines that are right, and those to which hints lead, at a real c2d: it takes them, and the job is the one that
/// was meant.
fn what_a_hint_leads_to_is_what_was_meant() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        let here = cluster.console_dir();
        for name in ["jobs.txt", "inputs.txt", "data.txt", "job.sh", "a.sh", "a", "a.txt"] {
            std::fs::write(here.join(name), "true\n")?;
        }
        let begin =
            ["assign 127.0.0.2 gpu", "submit true --hold --array=1-12 --batch=night", "notify add phone --to=ntfy:x"];
        ensure!(cluster.exec(&begin).await?.status == 0);
        let mut wrong = Vec::new();
        let mut asked = 0;
        for (line, wanted) in guessed() {
            let ours = if wanted == "ok" { Some(line.to_owned()) } else { led_to(line) };
            let Some(ours) = ours.map(|ours| with_values(&ours)) else { continue };
            let verb = ours.trim_start_matches("!> ").split(' ').next().unwrap_or_default().to_owned();
            if !["submit", "split", "batch"].contains(&verb.as_str()) || ours == "submit -" {
                continue;
            }
            asked += 1;
            let dry = format!("{} --dry-run", ours.replace(" --wait", "").replace(" --dry-run", ""));
            let told = cluster.console(&["--json", "--exec", &dry]).await?;
            if told.status != 0 {
                wrong.push(format!("{line}: {dry}: {}", told.stderr.trim()));
                continue;
            }
            // The command that was typed in the other words is the command of the job.
            let spec = serde_json::from_str::<serde_json::Value>(&told.stdout)?;
            let command = spec["jobs"][0]["command"].as_str().unwrap_or_default().to_owned();
            let typed =
                line.split(['"', '\'']).nth(1).filter(|text| line.matches('"').count() == 2 && !text.contains('{'));
            if typed.is_some_and(|typed| typed != command) && !ours.contains("COMMAND") {
                wrong.push(format!("{line}: {dry} runs {command:?}"));
            }
        }
        ensure!(asked > 150, "{asked}");
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    });
}

/// What becomes of jobs and workers by lines to which hints lead: none is refused as misunderstood.
fn what_a_hint_leads_to_is_understood_by_c2d() {
    scenario(async |cluster| {
        cluster.agent("127.0.0.2").await?;
        std::fs::write(cluster.console_dir().join("jobs.txt"), "true\n")?;
        ensure!(cluster.exec(&["submit true --hold --array=1-9 --name=nightly-{index}"]).await?.status == 0);
        let skipped =
            ["submit", "split", "batch", "pdsh", "copy", "verify-ssh", "add-worker", "wake", "quit", "follow", "wait"];
        let mut wrong = Vec::new();
        let mut asked = std::collections::BTreeSet::new();
        for (line, wanted) in guessed() {
            let Some(ours) = led_to(line).filter(|_| wanted != "ok").map(|ours| with_values(&ours)) else { continue };
            let verb = ours.split(' ').next().unwrap_or_default();
            if skipped.contains(&verb) || ours.starts_with("c2-tui") || !asked.insert(ours.clone()) {
                continue;
            }
            let told = cluster.exec(&[&ours]).await?;
            if told.status == 2 || told.stderr.contains("hint: usage") {
                wrong.push(format!("{line}: {ours}: {}", told.stderr.trim()));
            }
        }
        ensure!(asked.len() > 35, "{asked:?}");
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    });
}
