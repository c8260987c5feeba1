//! The program `c2-tui`; all of it is the library's.

fn main() {
    std::process::exit(c2_tui::run(std::env::args_os()));
}
