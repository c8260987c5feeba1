//! Mail, by the mail server of this machine.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::header;
use super::message::Message;

/// Characters of a title that a subject has.
const SUBJECT_CHARS: usize = 200;
/// How long a server is waited for that has the mail already.
const GOODBYE: Duration = Duration::from_secs(5);

/// Hands a mail to a server. It is sent as soon as the server has taken it.
pub(super) async fn send(server: &str, address: &str, message: &Message, now_ms: u64) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("the mail server at {server}: {error}");
    let mut stream = BufReader::new(TcpStream::connect(server).await.map_err(failed)?);
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let steps = [
        (String::new(), '2'),
        (format!("EHLO {host}"), '2'),
        (format!("MAIL FROM:<c2@{host}>"), '2'),
        (format!("RCPT TO:<{address}>"), '2'),
        ("DATA".to_owned(), '3'),
        (written(&host, address, message, now_ms), '2'),
    ];
    for (said, expected) in steps {
        if !said.is_empty() {
            stream.write_all(format!("{said}\r\n").as_bytes()).await.map_err(failed)?;
        }
        let answer = answer(&mut stream).await.map_err(failed)?;
        let answer = answer.ok_or_else(|| format!("the mail server at {server} hung up"))?;
        if !answer.starts_with(expected) {
            return Err(format!("the mail server at {server} refused: {}", answer.trim()));
        }
    }
    // The server has it: how it takes leave changes nothing, and is not waited for.
    tokio::spawn(tokio::time::timeout(GOODBYE, async move {
        stream.write_all(b"QUIT\r\n").await?;
        answer(&mut stream).await
    }));
    Ok(())
}

/// The last line of an answer; nothing where the server hung up.
async fn answer(stream: &mut BufReader<impl AsyncRead + Unpin>) -> std::io::Result<Option<String>> {
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        // It goes on as long as a dash follows its number.
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(Some(line));
        }
    }
}

/// A whole mail, with the dot that ends it.
fn written(host: &str, address: &str, message: &Message, now_ms: u64) -> String {
    let title: String = message.title.chars().take(SUBJECT_CHARS).collect();
    let subject = header::words(&title).join("\r\n ");
    let id = id(address, message, now_ms);
    let date = date(now_ms);
    let head = format!(
        "From: C2 <c2@{host}>\r\nTo: <{address}>\r\nSubject: {subject}\r\nDate: {date}\r\nMessage-ID: <{id}@{host}>\r\n"
    );
    let mime = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n";
    // A line of its own that begins with a dot would end the mail.
    let line = |line: &str| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" });
    let lines: String = message.text.lines().map(line).collect();
    format!("{head}{mime}\r\n{lines}.")
}

/// The same each time that a message is sent, so that a mailbox may know one that comes twice.
fn id(address: &str, message: &Message, now_ms: u64) -> String {
    let Message { title, text, kind, at_ms, .. } = message;
    let kind = kind.map(|kind| kind.word());
    let digest = Sha256::digest(format!("{address}\n{kind:?}\n{}\n{title}\n{text}", at_ms.unwrap_or(now_ms)));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn date(now_ms: u64) -> String {
    let now = i64::try_from(now_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    rfc2822::to_string(&now.to_zoned_datetime(TimeZone::UTC)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use c2_shared::api::notifications::Kind;

    use super::*;

    #[test]
    fn a_mail_has_what_mail_servers_want() {
        let message = Message {
            title: "\u{fc}ml\u{e4}ut job failed: exit 1".to_owned(),
            text: "job-3\n.\n..".to_owned(),
            kind: Some(Kind::Failed),
            jobs: Vec::new(),
            at_ms: Some(5),
            is_bad: true,
        };
        let mail = written("here", "me@example.org", &message, 1_000);
        assert!(mail.contains("\r\nSubject: =?UTF-8?B?w7xtbMOkdXQgam9iIGZhaWxlZDogZXhpdCAx?=\r\n"), "{mail}");
        assert!(mail.contains("\r\nDate: Thu, 1 Jan 1970 00:00:01 +0000\r\n"), "{mail}");
        assert!(mail.contains("@here>\r\n") && mail.ends_with("\r\n\r\njob-3\r\n..\r\n...\r\n."), "{mail}");
        assert!(mail.is_ascii() && mail.split("\r\n").all(|line| line.len() <= 78), "{mail}");
        let id_at = |message: &Message, now_ms| id("me@example.org", message, now_ms);
        assert_eq!(id_at(&message, 1_000), id_at(&message, 2_000), "sent again, it is the same mail");
        let later = Message { at_ms: Some(6), ..message.clone() };
        assert_ne!(id_at(&message, 1_000), id_at(&later, 1_000));
        let test = Message { at_ms: None, ..message };
        assert_ne!(id_at(&test, 1_000), id_at(&test, 2_000), "each test is one of its own");
    }
}
