//! Commands over ssh: real pdsh and ssh against real sshd processes on several addresses.

mod hostile;
mod manual;
mod reach;
mod screen;
mod stop;
mod verdicts;
mod verify;
