//! The keys of a corosync.conf as cmap has them.

use super::generation::join;
use super::schema::{self, Kind};
use super::tree::{Key, Section};

/// A value of cmap, as the configuration has them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Value {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    I32(i32),
    Text(String),
}

/// All keys under cmap's names, sorted.
///
/// Source: spec corosync-conf.md section 3: interfaces, nodes, members and subsystems are
/// numbered or named in the path; a repeated key keeps its last value.
pub(super) fn keys(tree: &Section) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    section(tree, "", "", &mut all);
    // The last of equal names counts: it comes first after this, and stays.
    all.reverse();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.dedup_by(|later, kept| later.0 == kept.0);
    all
}

fn section(from: &Section, path: &str, name: &str, all: &mut Vec<(String, Value)>) {
    for key in from.keys.iter().filter(|k| k.colon) {
        // Users and groups get their numbers on the host.
        if path != "uidgid" {
            all.push((join(name, &key.name), value(path, key)));
        }
    }
    let (mut nodes, mut members) = (0, 0);
    for inner in &from.sections {
        let inner_path = join(path, &inner.name);
        let plain = join(name, &inner.name);
        let number_of = |key: &str| inner.key(key).map_or("0", |k| k.value.as_str());
        let inner_name = match inner_path.as_str() {
            "nodelist.node" => {
                nodes += 1;
                format!("{plain}.{}", nodes - 1)
            }
            "totem.interface" if inner.key("linknumber").is_some() => {
                format!("{plain}.{}", number_of("linknumber"))
            }
            "totem.interface" => format!("{plain}.{}", number_of("ringnumber")),
            "totem.interface.member" => {
                let address = inner.key("memberaddr").map(|k| k.value.clone());
                all.push((
                    format!("{plain}.{members}"),
                    Value::Text(address.unwrap_or_default()),
                ));
                members += 1;
                continue;
            }
            "logging.logger_subsys" | "logging.logging_daemon.logger_subsys" => {
                format!("{plain}.{}", number_of("subsys"))
            }
            "logging.logging_daemon" => format!("{plain}.{}", number_of("name")),
            _ => plain,
        };
        section(inner, &inner_path, &inner_name, all);
    }
}

fn value(path: &str, key: &Key) -> Value {
    let text = || Value::Text(key.value.clone());
    let Some(directive) = schema::find(path, &key.name) else {
        return text();
    };
    let typed = match directive.kind {
        Kind::Number(255) => key.value.parse().map(Value::U8).ok(),
        Kind::Number(0xFFFF) => key.value.parse().map(Value::U16).ok(),
        Kind::Number(0xFFFF_FFFF) => key.value.parse().map(Value::U32).ok(),
        Kind::Number(_) => key.value.parse().map(Value::U64).ok(),
        Kind::Signed => key.value.parse().map(Value::I32).ok(),
        _ => None,
    };
    typed.unwrap_or_else(text)
}
