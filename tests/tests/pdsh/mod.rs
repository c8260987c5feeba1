//! Commands over ssh: real pdsh and ssh against real sshd processes on several addresses.

pub(crate) mod copy;
pub(crate) mod hostile;
pub(crate) mod manual;
pub(crate) mod reach;
pub(crate) mod screen;
pub(crate) mod stop;
pub(crate) mod strangers;
pub(crate) mod verdicts;
pub(crate) mod verify;
