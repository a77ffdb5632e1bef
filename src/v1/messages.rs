//! The messages of the resource side, built and read.
//!
//! `resource` carries three fields of our own behind those of heartbeat, which a real heartbeat
//! ignores:
//!
//! ```text
//! ebgroups=CLAIM,FAILURES,VERSION,TO,KEY …   the sender's word on each group; CLAIM: f free,
//!                                            r releasing, a acquiring, h held; TO: a node or -
//! ebseen=NODE/GENERATION …                   the nodes that take part, as the sender sees it
//! ebstate=joining|settled|leaving            how far it is itself
//! ```
//!
//! Source: `spec/heartbeat-wire.md` section 6, order of fields as in the captures.

use super::peer::{Claim, Entry, Hold};
use super::work::Side;
use crate::ids::NodeName;
use crate::wire::heartbeat::Message;

/// Most groups read from one message; a haresources has some dozens.
const GROUPS_MAX: usize = 1024;

/// Part of a `resource` message that is ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Extension {
    /// Key and word on it.
    pub groups: Vec<(String, Entry)>,
    /// Name and generation of those that take part.
    pub seen: Vec<(String, String)>,
    /// `joining`, `settled` or `leaving`.
    pub state: String,
}

/// `starting`: our communication is up, what do you hold?
pub(super) fn starting() -> Message {
    Message::of_type("starting")
}

/// The same, to one node: it did not answer.
pub(super) fn starting_to(node: &NodeName) -> Message {
    starting().with("dest", node.as_str())
}

/// `resource`: what we hold.
pub(super) fn resource(hold: Hold, stable: bool, info: Option<&str>) -> Message {
    let mut message = Message::of_type("resource")
        .with("rsc_hold", hold.as_str())
        .with("rtype", "full")
        .with("isstable", if stable { "1" } else { "0" });
    if let Some(info) = info {
        message.push_text("info", info);
    }
    message
}

/// Appends our fields to a `resource` message.
pub(super) fn extend(message: &mut Message, extension: &Extension) {
    let group = |(key, e): &(String, Entry)| {
        let to = e.to.as_ref().map_or("-", NodeName::as_str);
        let claim = e.claim.letter();
        format!("{claim},{},{},{to},{key}", e.failures, e.version)
    };
    let groups: Vec<_> = extension.groups.iter().map(group).collect();
    let seen: Vec<_> = (extension.seen.iter())
        .map(|(node, generation)| format!("{node}/{generation}"))
        .collect();
    message.push_text("ebgroups", groups.join(" "));
    message.push_text("ebseen", seen.join(" "));
    message.push_text("ebstate", &extension.state);
}

/// Our fields of a `resource` message; `None`: a real heartbeat sent it.
///
/// Words that aren't understood are left out: a later version may say more.
pub(super) fn extension(message: &Message) -> Option<Extension> {
    let groups = message.text("ebgroups")?;
    let seen = message.text("ebseen").unwrap_or_default();
    Some(Extension {
        groups: (groups.split(' ').filter_map(group_entry))
            .take(GROUPS_MAX)
            .collect(),
        seen: (seen.split(' ').take(GROUPS_MAX))
            .filter_map(|word| word.split_once('/'))
            .map(|(node, generation)| (node.to_owned(), generation.to_owned()))
            .collect(),
        state: message.text("ebstate").unwrap_or_default().to_owned(),
    })
}

/// The sender's generation as it wrote it, to be told back to it; none if it is no number.
pub(super) fn generation(message: &Message) -> Option<String> {
    const DIGITS_MAX: usize = 16;
    let text = message.text("hg").filter(|text| text.len() <= DIGITS_MAX)?;
    message.hex("hg").map(|_| text.to_owned())
}

fn group_entry(word: &str) -> Option<(String, Entry)> {
    let mut parts = word.splitn(5, ',');
    let claim = Claim::parse(parts.next()?)?;
    let failures = parts.next()?.parse().ok()?;
    let version = parts.next()?.parse().ok()?;
    let to = NodeName::new(parts.next()?).ok();
    let entry = Entry {
        claim,
        failures,
        version,
        to: to.filter(|node| node.as_str() != "-"),
    };
    Some((parts.next()?.to_owned(), entry))
}

/// `ask_resources`: a step of the standby protocol.
pub(super) fn ask_resources(side: Side, info: &str) -> Message {
    Message::of_type("ask_resources")
        .with("rsc_hold", side.as_str())
        .with("info", info)
}

/// `hb_takeover`: give us these.
pub(super) fn hb_takeover(side: Side) -> Message {
    Message::of_type("hb_takeover").with("rsc_hold", side.as_str())
}

/// `shutdone`: everything is released.
pub(super) fn shutdone() -> Message {
    Message::of_type("shutdone").with("st", "dead")
}

/// `stonith`: how the reset of a node ended.
pub(super) fn stonith(node: &NodeName, result: &str) -> Message {
    Message::of_type("stonith")
        .with("node", node.as_str())
        .with("result", result)
}

/// `ip-request`: give us this group (auto_failback legacy).
pub(super) fn ip_request(key: &str) -> Message {
    Message::of_type("ip-request").with("ipaddr", key)
}

/// `ip-request-resp`: take it.
pub(super) fn ip_request_resp(dest: &NodeName, key: &str, owned: bool) -> Message {
    Message::of_type("ip-request-resp")
        .with("dest", dest.as_str())
        .with("ipaddr", key)
        .with("weown", if owned { "yes" } else { "no" })
        .with("ok", "OK")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_comes_back_as_it_was() {
        let entry = Entry {
            claim: Claim::Stopping,
            failures: 2,
            version: 17,
            to: NodeName::new("b").ok(),
        };
        let extension_out = Extension {
            groups: vec![
                ("10.0.0.5/24,x".to_owned(), entry),
                ("Probe::two".to_owned(), Entry::NONE),
            ],
            seen: vec![("b".to_owned(), "6b02d1fb".to_owned())],
            state: "settled".to_owned(),
        };
        let mut message = resource(Hold::default(), true, Some("shutdown"));
        extend(&mut message, &extension_out);
        assert_eq!(
            message.to_string(),
            "t=resource rsc_hold=none rtype=full isstable=1 info=shutdown \
             ebgroups=r,2,17,b,10.0.0.5/24,x f,0,0,-,Probe::two ebseen=b/6b02d1fb \
             ebstate=settled"
        );
        assert_eq!(extension(&message), Some(extension_out));
    }

    #[test]
    fn odd_words_are_left_out() {
        let message = Message::of_type("resource").with("ebgroups", "x,1,1,-,A h,1 h,0,5,-,B ,,,,");
        let groups = extension(&message).expect("ours").groups;
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].0, "B");
    }
}
