//! How a message leaves c2d: by HTTP, by mail through the mail server of this machine, or by a command of
//! the configuration. Each has its time, and answers in words what went wrong.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use c2_shared::limits::NOTIFY_TRY_S;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::mail;
use super::message::Message;
use super::target::{Form, Target};
use crate::clock::Clock;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(NOTIFY_TRY_S);

/// What lies outside of c2d, as its configuration says.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    /// Commands by their names, each with its arguments.
    pub(crate) commands: BTreeMap<String, Vec<String>>,
    /// The mail server, as `host:port`.
    pub(crate) mail_server: String,
    /// The port of c2d itself, to which nothing is sent.
    pub(crate) own_port: u16,
    /// Mails have their date.
    pub(crate) clock: Clock,
}

impl Outside {
    /// Tells a message once.
    pub(crate) async fn send(&self, target: &Target, message: &Message) -> Result<(), String> {
        let sent = async {
            match target {
                Target::Web { form, url } => self.post(*form, url, message).await,
                Target::Mail(address) => {
                    mail::send(&self.mail_server, address, message, self.clock.now().wall_ms).await
                }
                Target::Command(name) => self.run(name, message).await,
            }
        };
        let late = || format!("no answer within {} s", TRY.as_secs());
        tokio::time::timeout(TRY, sent).await.unwrap_or_else(|_| Err(late()))
    }

    async fn post(&self, form: Form, url: &reqwest::Url, message: &Message) -> Result<(), String> {
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_or_known_default().unwrap_or_default();
        // Looked up once: the addresses that were checked are those that are used.
        let found = tokio::net::lookup_host((host.as_str(), port)).await.map_err(|e| format!("{host}: {e}"))?;
        let found: Vec<SocketAddr> = found.collect();
        if port == self.own_port && found.iter().any(|address| is_here(*address)) {
            return Err("that is c2d itself".to_owned());
        }
        // Another one may have been made the default already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .resolve_to_addrs(&host, &found)
            .build()
            .map_err(|e| words(&e.without_url()))?;
        let request = form.request(message);
        let mut post = client.post(url.clone()).body(request.body);
        for (name, value) in request.headers {
            post = post.header(name, value);
        }
        let status = post.send().await.map_err(|e| words(&e.without_url()))?.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }

    async fn run(&self, name: &str, message: &Message) -> Result<(), String> {
        let argv = self.commands.get(name).and_then(|argv| argv.split_first());
        let (program, arguments) = argv.ok_or_else(|| format!("notify_commands has no {name:?} any more"))?;
        let failed = |error: std::io::Error| format!("{program}: {error}");
        let mut child = Command::new(program)
            .args(arguments)
            .env("C2_TITLE", &message.title)
            .env("C2_KIND", message.kind.map_or("test", |kind| kind.word()))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let unfinished = Unfinished(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
        if let Some(mut input) = child.stdin.take() {
            // Whoever does not read it does not want it.
            drop(input.write_all(format!("{}\n{}\n", message.title, message.text).as_bytes()).await);
        }
        let status = child.wait().await.map_err(failed)?;
        unfinished.ended();
        if status.success() { Ok(()) } else { Err(format!("{program}: {status}")) }
    }
}

/// A command that runs, with all that it started: they end together when their time is over.
struct Unfinished(Option<Pid>);

impl Unfinished {
    /// It ended by itself; what it left running is its own affair.
    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            // It may be gone already.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Whether an address is one of this machine: nothing else can be bound.
fn is_here(address: SocketAddr) -> bool {
    address.ip().is_unspecified() || UdpSocket::bind((address.ip(), 0)).is_ok()
}

fn words(error: &reqwest::Error) -> String {
    c2_shared::advice::with_causes(error)
}
