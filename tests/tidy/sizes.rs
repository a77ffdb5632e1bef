//! Sizes: files, functions, lines, arguments.

use super::{code, none, tree};

const FILE_LINES_MAX: usize = 700;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARACTERS_MAX: usize = 100;
const ARGUMENTS_MAX: usize = 6;

#[test]
fn files_are_about_one_thing() {
    let mut findings = Vec::new();
    for file in tree::files("src", ".rs") {
        let text = tree::read(&file);
        let lines = code::production(&text).lines().count();
        if lines > FILE_LINES_MAX && !tree::is_tests(&file) {
            findings.push(format!(
                "{}: {lines} lines before its tests",
                file.display()
            ));
        }
    }
    none(&findings, "a file has at most 700 lines: split it");
}

#[test]
fn functions_fit_on_a_screen() {
    let mut findings = Vec::new();
    for file in tree::files("src", ".rs") {
        // Tables of cases in tests may be as long as they need.
        for function in code::functions(&code::bare(code::production(&tree::read(&file)))) {
            let place = format!("{}:{}", file.display(), function.line);
            let code::Function {
                name,
                lines,
                arguments,
                ..
            } = function;
            if lines > FUNCTION_LINES_MAX {
                findings.push(format!("{place}: {name} has {lines} lines"));
            }
            if arguments > ARGUMENTS_MAX {
                findings.push(format!("{place}: {name} takes {arguments} arguments"));
            }
        }
    }
    none(&findings, "a function has at most 70 lines and 6 arguments");
}

#[test]
fn lines_fit_side_by_side() {
    let mut findings = Vec::new();
    for file in ["src", "tests", "benches"]
        .map(|d| tree::files(d, ".rs"))
        .concat()
    {
        for (i, line) in tree::read(&file).lines().enumerate() {
            let length = line.chars().count();
            // What can't be broken: links, and bytes of a test.
            let one_word = line
                .trim_start_matches(['/', '!', ' '])
                .trim()
                .split(' ')
                .count()
                < 2;
            if length > LINE_CHARACTERS_MAX && !one_word {
                findings.push(format!("{}:{}: {length} characters", file.display(), i + 1));
            }
        }
    }
    none(&findings, "a line has at most 100 characters");
}
