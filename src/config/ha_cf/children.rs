//! Programs that run beside the daemon, and who may use its API.

use super::lines::{self, Line, Word};
use super::model::{ApiAuth, ClientChild};
use super::reader::Reader;

/// Who may sign on under the names that heartbeat itself knows.
///
/// Source: heartbeat 3.0.6, `init_config`/`set_api_auth` defaults, printed at debug level 1
const BUILT_IN: [(&str, &[&str], &[&str]); 5] = [
    ("ipfail", &["hacluster"], &[]),
    ("ccm", &["hacluster"], &[]),
    ("ping", &[], &["haclient"]),
    ("lha-snmpagent", &["root"], &[]),
    ("anon", &["root"], &["haclient"]),
];

pub(super) fn respawn(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    child(reader, line, false);
}

pub(super) fn failfast(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    child(reader, line, true);
}

fn child(reader: &mut Reader<'_, '_>, line: &Line<'_>, failfast: bool) {
    let name = reader.directive;
    let words = line.words();
    let [user, program, ..] = words[..] else {
        let missing = if words.is_empty() { "USER" } else { "COMMAND" };
        reader
            .error(line.span, format!("{name}: {missing} is missing"))
            .help = Some(format!("write {name} USER /FULL/PATH [ARGUMENT…]"));
        return;
    };
    if !program.text.starts_with('/') {
        let message = format!("{name}: the command {:?} has no full path", program.text);
        reader.error(program.span, message).help = Some(
            "write the program with its whole path; heartbeat's own are in \
             /usr/libexec/heartbeat (Debian) or /usr/lib/heartbeat"
                .into(),
        );
        return;
    }
    if user.text.bytes().all(|b| b.is_ascii_digit()) {
        reader
            .refused(user.span, format!("{name}: the user is a number"))
            .help = Some("write the user's name".into());
    }
    let command = lines::part(
        line.rest,
        program.span.start - line.rest.span.start,
        line.rest.text.len(),
    );
    reader.model.respawn.push(ClientChild {
        user: user.text.to_owned(),
        command: command.text.to_owned(),
        failfast,
        span: line.span,
    });
}

pub(super) fn apiauth(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    let words = line.words();
    let [client, ref lists @ ..] = words[..] else {
        form_error(reader, line);
        return;
    };
    if lists.is_empty() {
        form_error(reader, line);
        return;
    }
    let mut new = ApiAuth {
        client: client.text.to_owned(),
        uids: Vec::new(),
        gids: Vec::new(),
        span: Some(line.span),
    };
    if lists.iter().all(|list| members(reader, *list, &mut new)) {
        insert(reader, line, new);
    }
}

fn form_error(reader: &mut Reader<'_, '_>, line: &Line<'_>) {
    reader
        .error(
            line.span,
            "apiauth: a client needs a uid list or a gid list",
        )
        .help = Some("write apiauth CLIENT uid=USER,USER gid=GROUP,GROUP".into());
}

/// Reads `uid=…` or `gid=…`; false when it is neither.
fn members(reader: &mut Reader<'_, '_>, word: Word<'_>, new: &mut ApiAuth) -> bool {
    let (list, names) = match word.text.split_once('=') {
        Some(("uid", names)) => (&mut new.uids, names),
        Some(("gid", names)) => (&mut new.gids, names),
        _ => {
            let message = format!("apiauth: {:?} is neither uid= nor gid=", word.text);
            reader.error(word.span, message).help = Some(
                "write uid=USER,USER or gid=GROUP,GROUP, without blanks around = and commas".into(),
            );
            return false;
        }
    };
    if !list.is_empty() {
        let key = &word.text[..3];
        reader
            .error(word.span, format!("apiauth: a second {key}= in one line"))
            .help = Some(format!("put all in one list: {key}=A,B"));
        return false;
    }
    *list = names
        .split(',')
        .filter(|n| !n.is_empty())
        .map(str::to_owned)
        .collect();
    if list.is_empty() {
        let message = format!("apiauth: {} names nobody", word.text);
        reader.warning(word.span, message).help = Some("name at least one".into());
    }
    true
}

/// heartbeat refuses a second line for a client. Where the first is built in, or says the same,
/// the meaning is plain.
fn insert(reader: &mut Reader<'_, '_>, line: &Line<'_>, new: ApiAuth) {
    let client = &new.client;
    let Some(at) = reader
        .model
        .apiauth
        .iter()
        .position(|a| a.client == *client)
    else {
        reader.model.apiauth.push(new);
        return;
    };
    let known = &reader.model.apiauth[at];
    let before = match known.span {
        Some(span) => format!("line {}", reader.found.source().position(span.start).0),
        None => "the crm line".to_owned(),
    };
    let message = format!("a second apiauth for {client}: {before} has let it in already");
    let help = Some("take this line out".to_owned());
    let built_in = known.span.is_none();
    if built_in || (&known.uids, &known.gids) == (&new.uids, &new.gids) {
        reader.refused(line.span, message).help = help;
    } else {
        reader.error(line.span, message).help = help;
    }
    if built_in {
        reader.model.apiauth[at] = new;
    }
}

/// Clients that `crm on` and its kind let in by themselves.
///
/// Source: heartbeat 3.0.6: an apiauth line after `crm` for one of these is "Duplicate" [tried]
const OF_THE_CRM: [(&str, &str); 6] = [
    ("cib", "hacluster"),
    ("attrd", "hacluster"),
    ("crmd", "hacluster"),
    ("stonith-ng", "root"),
    ("stonithd", "root"),
    ("pingd", "root"),
];

/// Adds what a `crm` line lets in.
pub(super) fn admit_the_crm(reader: &mut Reader<'_, '_>) {
    for (client, uid) in OF_THE_CRM {
        if !reader.model.apiauth.iter().any(|a| a.client == client) {
            reader.model.apiauth.push(ApiAuth {
                client: client.to_owned(),
                uids: vec![uid.to_owned()],
                gids: Vec::new(),
                span: None,
            });
        }
    }
}

/// Adds the built-in lines of clients the file doesn't name.
pub(super) fn admit_built_in(reader: &mut Reader<'_, '_>) {
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    for (client, uids, gids) in BUILT_IN {
        if !reader.model.apiauth.iter().any(|a| a.client == client) {
            reader.model.apiauth.push(ApiAuth {
                client: client.to_owned(),
                uids: owned(uids),
                gids: owned(gids),
                span: None,
            });
        }
    }
}
