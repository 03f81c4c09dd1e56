//! The program: a window without arguments, a command with them.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    ganspect::cli::run(ganspect::cli::Arguments::parse())
}
