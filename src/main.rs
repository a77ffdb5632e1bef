//! Multi-call entry: the last part of `argv[0]`, or the first argument, names the tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    everbeat::cli::main()
}
