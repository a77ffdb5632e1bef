//! The watchdog, and devices that switch other nodes off.

use std::path::PathBuf;

use super::lines::{self, Line, Word};
use super::model::{StonithFile, StonithHost};
use super::reader::Reader;

pub(super) fn watchdog(reader: &mut Reader<'_, '_>, word: Word<'_>) {
    if let Some(first) = reader.model.places.directive("watchdog") {
        let (line, _) = reader.found.source().position(first.start);
        reader
            .error(word.span, "watchdog can be given only once")
            .help = Some(format!("take out this line or line {line}"));
        return;
    }
    reader.model.watchdog = Some(PathBuf::from(word.text));
}

pub(super) fn stonith(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    let words = line.words();
    let [plugin, file, ref more @ ..] = words[..] else {
        let missing = if words.is_empty() { "TYPE" } else { "FILE" };
        reader
            .error(line.span, format!("stonith: {missing} is missing"))
            .help = Some("write stonith TYPE FILE; `stonith -L` names the types".into());
        return;
    };
    if let (Some(first), Some(last)) = (more.first(), more.last()) {
        reader
            .warning(
                first.span.to(last.span),
                "stonith: what follows FILE is ignored",
            )
            .help = Some("parameters in the line itself are for stonith_host".into());
    }
    reader.model.stonith = Some(StonithFile {
        plugin: plugin.text.to_owned(),
        file: PathBuf::from(file.text),
        span: line.span,
    });
}

pub(super) fn stonith_host(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    const HELP: &str = "write stonith_host HOST TYPE PARAMETER…; \
                        `stonith -t TYPE -n` names a type's parameters";
    let words = line.words();
    let [host, plugin, ref parameters @ ..] = words[..] else {
        let missing = if words.is_empty() { "HOST" } else { "TYPE" };
        reader
            .error(line.span, format!("stonith_host: {missing} is missing"))
            .help = Some(HELP.into());
        return;
    };
    let rest = match parameters.first() {
        Some(first) => {
            let start = first.span.start - line.rest.span.start;
            lines::part(line.rest, start, line.rest.text.len()).text
        }
        None => "",
    };
    reader.model.stonith_hosts.push(StonithHost {
        host: host.text.to_owned(),
        plugin: plugin.text.to_owned(),
        parameters: rest.to_owned(),
        span: line.span,
    });
}
