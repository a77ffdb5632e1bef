//! Short options as glibc's getopt(3) reads them, for tools whose use is older than clap.
//!
//! Options may stand between the operands; `--` ends them. Order and messages are getopt's.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One option in the order of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An option without value.
    Flag(u8),
    /// An option with its value.
    Value(u8, OsString),
    /// A letter that isn't among the options.
    Invalid(u8),
    /// An option that wants a value and stands last.
    Missing(u8),
}

impl Item {
    /// What getopt prints on stderr for it, as program `name`.
    pub fn complaint(&self, name: &str) -> Option<String> {
        match self {
            Self::Flag(_) | Self::Value(..) => None,
            Self::Invalid(c) => Some(format!("{name}: invalid option -- '{}'", char::from(*c))),
            Self::Missing(c) => Some(format!(
                "{name}: option requires an argument -- '{}'",
                char::from(*c)
            )),
        }
    }
}

/// A command line taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// The options.
    pub items: Vec<Item>,
    /// What is left.
    pub operands: Vec<OsString>,
}

/// Takes `args` apart; `options` is getopt's string: a letter each, `:` after those with value.
pub fn parse(options: &str, args: &[OsString]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_bytes() {
            b"--" => {
                parsed.operands.extend(rest.by_ref().cloned());
            }
            [b'-', letters @ ..] if !letters.is_empty() => {
                cluster(options.as_bytes(), letters, &mut rest, &mut parsed.items);
            }
            _ => parsed.operands.push(arg.clone()),
        }
    }
    parsed
}

/// Reads the letters of one argument: `-mv`, `-pNAME`, `-p NAME`.
fn cluster<'a>(
    options: &[u8],
    letters: &[u8],
    rest: &mut impl Iterator<Item = &'a OsString>,
    items: &mut Vec<Item>,
) {
    for (i, &letter) in letters.iter().enumerate() {
        let place = options.iter().position(|&o| o == letter && o != b':');
        let wants_value = place.is_some_and(|p| options.get(p + 1) == Some(&b':'));
        if place.is_none() {
            items.push(Item::Invalid(letter));
        } else if !wants_value {
            items.push(Item::Flag(letter));
        } else {
            let joined = &letters[i + 1..];
            let value = if joined.is_empty() {
                rest.next().cloned()
            } else {
                Some(OsStr::from_bytes(joined).to_os_string())
            };
            items.push(match value {
                Some(value) => Item::Value(letter, value),
                None => Item::Missing(letter),
            });
            return;
        }
    }
}

/// The arguments as text, bytes that aren't UTF-8 replaced: names of nodes never need them.
pub fn text(args: &[OsString]) -> Vec<String> {
    args.iter()
        .map(|a| String::from_utf8_lossy(&a.clone().into_vec()).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(options: &str, line: &str) -> (Vec<Item>, Vec<String>) {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let parsed = parse(options, &args);
        let operands = text(&parsed.operands);
        (parsed.items, operands)
    }

    #[test]
    fn options_and_operands_in_any_order() {
        let (items, operands) = read("mv", "a -m b -v");
        assert_eq!(items, [Item::Flag(b'm'), Item::Flag(b'v')]);
        assert_eq!(operands, ["a", "b"]);
        assert_eq!(read("mv", "-mv - --  -m").1, ["-", "", "-m"]);
    }

    #[test]
    fn values_joined_apart_and_missing() {
        let (items, operands) = read("mp:", "-pone -mp two x -p");
        let value = |v: &str| Item::Value(b'p', v.into());
        let expected = [
            value("one"),
            Item::Flag(b'm'),
            value("two"),
            Item::Missing(b'p'),
        ];
        assert_eq!(items, expected);
        assert_eq!(operands, ["x"]);
    }

    #[test]
    fn letters_that_are_no_option() {
        let (items, _) = read("m", "--v -:");
        let expected = [b'-', b'v', b':'].map(Item::Invalid);
        assert_eq!(items, expected);
        assert_eq!(
            items[1].complaint("nodestatus").unwrap(),
            "nodestatus: invalid option -- 'v'"
        );
    }
}
