//! Where notifications go, and in which form: read from its text, and as the request that it becomes. Pure.

use reqwest::Url;
use serde_json::json;

use super::header;
use super::message::Message;

/// Where a topic of ntfy is, unless it is a URL itself.
const NTFY: &str = "https://ntfy.sh/";
/// Hosts whose webhooks take a form of their own, with that form.
const HOSTS: [(&str, Form); 3] =
    [("discord.com", Form::Discord), ("discordapp.com", Form::Discord), ("hooks.slack.com", Form::Slack)];

/// Where a notification goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Web {
        form: Form,
        url: Url,
    },
    Mail(String),
    /// A command of the configuration, by its name.
    Command(String),
}

/// What a web server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// All that is known, as JSON.
    Json,
    Ntfy,
    Discord,
    Slack,
    Apprise,
}

/// The body of a request, and its headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) body: String,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Target {
    /// Reads a target, or says what is wrong.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let web = |form, url: &str| match Url::parse(url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host().is_some() => Ok(Self::Web { form, url }),
            _ => Err(format!("{url:?} is no URL like https://example.org/hook")),
        };
        let (form, rest) = text.split_once(':').ok_or_else(|| format!("{text:?} is not a target"))?;
        match form {
            "http" | "https" => {
                let known =
                    |url: &Url| HOSTS.iter().find(|(host, _)| url.host_str() == Some(host)).map(|(_, form)| *form);
                let form = Url::parse(text).ok().as_ref().and_then(known);
                web(form.unwrap_or(Form::Json), text)
            }
            "ntfy" if rest.contains("://") => web(Form::Ntfy, rest),
            "ntfy" if is_topic(rest) => web(Form::Ntfy, &format!("{NTFY}{rest}")),
            "ntfy" => Err(format!("{rest:?} is not a topic of ntfy: letters, digits, _ and -")),
            "discord" => web(Form::Discord, rest),
            "slack" => web(Form::Slack, rest),
            "apprise" => web(Form::Apprise, rest),
            "mail" if is_address(rest) => Ok(Self::Mail(rest.to_owned())),
            "mail" => Err(format!("{rest:?} is not a mail address")),
            "command" if !rest.is_empty() => Ok(Self::Command(rest.to_owned())),
            _ => Err(format!("{text:?} is not a target")),
        }
    }

    /// The target without what gives others the right to use it: of a URL the host is left.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Web { form, url } => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                let place = format!("{}://{}{port}/..", url.scheme(), url.host_str().unwrap_or_default());
                match form {
                    Form::Json => place,
                    Form::Ntfy => format!("ntfy:{place}"),
                    Form::Discord => format!("discord:{place}"),
                    Form::Slack => format!("slack:{place}"),
                    Form::Apprise => format!("apprise:{place}"),
                }
            }
            Self::Mail(address) => format!("mail:{address}"),
            Self::Command(name) => format!("command:{name}"),
        }
    }
}

impl Form {
    /// What a server of this form is sent.
    pub(crate) fn request(self, message: &Message) -> Request {
        let Message { title, text, kind, .. } = message;
        let whole = format!("{title}\n{text}");
        let json = |body: serde_json::Value| Request {
            body: body.to_string(),
            headers: vec![("content-type", "application/json".to_owned())],
        };
        match self {
            Self::Json => json(
                json!({"title": title, "text": text, "kind": kind.map(|kind| kind.word()), "job_ids": message.jobs}),
            ),
            Self::Ntfy => Request { body: text.clone(), headers: vec![("title", header::words(title).join(" "))] },
            // It refuses more than 2,000 characters; what looks like a mention mentions nobody.
            Self::Discord => json(json!({"content": cut(&whole, 1_900), "allowed_mentions": {"parse": []}})),
            Self::Slack => json(json!({"text": whole.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")})),
            Self::Apprise => {
                let kind = if message.is_bad { "failure" } else { "success" };
                json(json!({"title": title, "body": text, "type": kind}))
            }
        }
    }
}

fn is_topic(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Nothing that could be another command of the protocol, or another address.
fn is_address(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_{|}~".contains(&b))
    };
    match text.split_once('@') {
        Some((user, host)) => plain(user) && plain(host) && text.len() <= 254,
        None => plain(text),
    }
}

fn cut(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use c2_shared::api::notifications::Kind;

    use super::*;

    #[test]
    fn targets_are_read_and_shown_without_their_secrets() {
        let table = [
            ("https://example.org/hook?key=SECRET", "https://example.org/.."),
            ("http://user:SECRET@127.0.0.1:8080/x", "http://127.0.0.1:8080/.."),
            ("https://discord.com/api/webhooks/1/SECRET", "discord:https://discord.com/.."),
            ("https://hooks.slack.com/services/SECRET", "slack:https://hooks.slack.com/.."),
            ("ntfy:SECRET_topic", "ntfy:https://ntfy.sh/.."),
            ("ntfy:http://10.0.0.6/SECRET", "ntfy:http://10.0.0.6/.."),
            ("apprise:http://10.0.0.6:8000/notify/SECRET", "apprise:http://10.0.0.6:8000/.."),
            ("mail:me@example.org", "mail:me@example.org"),
            ("mail:root", "mail:root"),
            ("command:beep", "command:beep"),
        ];
        for (text, shown) in table {
            assert_eq!(Target::read(text).map(|target| target.shown()).as_deref(), Ok(shown), "{text}");
        }
        let wrong = [
            "",
            "me",
            "ftp://example.org",
            "https://",
            "ntfy:",
            "ntfy:a/b",
            "ntfy:a b",
            "mail:",
            "mail:a@b@c",
            "mail:a b",
            "mail:a\r\nRCPT TO:<b>",
            "command:",
            "discord:x",
            "slack:file:///etc/passwd",
        ];
        for text in wrong {
            assert!(Target::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_form_has_its_request() {
        let message = Message {
            title: "build failed: é".to_owned(),
            text: "a <b> & @everyone".to_owned(),
            kind: Some(Kind::Failed),
            jobs: vec![c2_shared::id::JobId(3)],
            at_ms: None,
            is_bad: true,
        };
        let body = |form: Form| form.request(&message).body;
        assert_eq!(
            body(Form::Json),
            r#"{"job_ids":["job-3"],"kind":"failed","text":"a <b> & @everyone","title":"build failed: é"}"#
        );
        let ntfy = Form::Ntfy.request(&message);
        let title = "=?UTF-8?B?YnVpbGQgZmFpbGVkOiDDqQ==?=";
        assert_eq!((ntfy.body.as_str(), ntfy.headers[0].1.as_str()), ("a <b> & @everyone", title));
        assert_eq!(body(Form::Slack), "{\"text\":\"build failed: é\\na &lt;b&gt; &amp; @everyone\"}");
        assert_eq!(body(Form::Apprise), r#"{"body":"a <b> & @everyone","title":"build failed: é","type":"failure"}"#);
        assert!(body(Form::Discord).contains(r#""allowed_mentions":{"parse":[]}"#));
        let long = Message { text: "x".repeat(5_000), ..message };
        assert!(Form::Discord.request(&long).body.len() < 2_000);
    }
}
