//! What happens before a transition, as options of crm_simulate.

use everbeat::cib::{Document, NodeRef};
use everbeat::proto::rng::Rng;

use super::draft::Draft;

/// Options, mostly none.
pub fn draw(doc: &Document, mut rng: Rng) -> Vec<String> {
    if !rng.percent(12) {
        return Vec::new();
    }
    let mut draft = Draft::new(doc.clone(), rng);
    let all: Vec<NodeRef> = draft.doc.descendants(draft.doc.root()).collect();
    let of = |draft: &Draft, kind: &str, attr: &str| -> Vec<String> {
        let found = all.iter().filter(|&&e| draft.doc.name(e) == kind);
        found
            .filter_map(|&e| draft.doc.attr(e, attr).map(str::to_owned))
            .collect()
    };
    let nodes = of(&draft, "node", "uname");
    let resources = [
        of(&draft, "lrm_resource", "id"),
        of(&draft, "primitive", "id"),
    ]
    .concat();
    let mut args = Vec::new();
    for _ in 0..=draft.place(3) {
        let at = draft.place(nodes.len());
        let Some(node) = nodes.get(at).cloned() else {
            return args;
        };
        let at = draft.place(resources.len());
        let resource = resources.get(at).cloned();
        let (option, value) = match draft.place(12) {
            0 => ("--node-up", node),
            1 => ("--node-down", node),
            2 => ("--node-fail", node),
            3 => ("--quorum", draft.pick(&["1", "0", "true", "no"]).to_owned()),
            4 => ("--watchdog", draft.pick(&["true", "false"]).to_owned()),
            5 => {
                let option = draft.pick(&[
                    "--ticket-grant",
                    "--ticket-revoke",
                    "--ticket-standby",
                    "--ticket-activate",
                ]);
                (option, draft.pick(&["ticketA", "ticketB"]).to_owned())
            }
            6 if draft.chance(50) => {
                args.push("--all-actions".to_owned());
                continue;
            }
            6 => ("--set-datetime", "2026-11-18 12:00:00Z".to_owned()),
            number => {
                let Some(resource) = resource else { continue };
                let task = draft.pick(&[
                    "monitor_0",
                    "monitor_10000",
                    "start_0",
                    "stop_0",
                    "promote_0",
                    "demote_0",
                    "migrate_to_0",
                    "migrate_from_0",
                ]);
                let rc = draft.pick(&["0", "1", "7", "8", "5", "9"]);
                let option = match number {
                    7..10 => "--op-inject",
                    _ => "--op-fail",
                };
                (option, format!("{resource}_{task}@{node}={rc}"))
            }
        };
        args.push(option.to_owned());
        args.push(value);
    }
    args
}
