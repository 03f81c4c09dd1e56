//! The program: a window without arguments, a command with them.

use std::process::ExitCode;

fn main() -> ExitCode {
    match ganspect::cli::parse() {
        Ok(arguments) => ganspect::cli::run(arguments),
        Err(code) => code,
    }
}
