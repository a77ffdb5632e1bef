//! The section `alerts` of a CIB.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event::{Event, Moment, Selection};
use crate::cib::{Document, Element, boolean};
use crate::rules::iso8601::Clock;
use crate::rules::{Context, NextChange, Overwrite, References, Sets, milliseconds};

/// Names and values.
type Options = BTreeMap<String, String>;

/// If the configuration says nothing. Source: spec cib.md section 13.
const TIMEOUT: Duration = Duration::from_secs(30);
const FORMAT: &str = "%H:%M:%S.%06N";

/// A program with one of those it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// The program.
    pub path: String,
    /// Whom it tells, if that is configured.
    pub recipient: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// Format of time stamps; an empty one for none.
    pub format: String,
    /// Parameters that the administrator gives it.
    pub parameters: BTreeMap<String, String>,
    selection: Selection,
}

/// The alerts of a CIB, one for each recipient, in its order; those that are switched off are not
/// among them.
pub fn read(cib: &Document, unix_s: u64, offset_s: i32) -> Vec<Alert> {
    let root = cib.root_element();
    let Some(alerts) = root.find(&["configuration", "alerts"]) else {
        return Vec::new();
    };
    let references = References::new(cib);
    let unix_s = i64::try_from(unix_s).unwrap_or(i64::MAX);
    let clock = Clock { unix_s, offset_s };
    let reader = Reader {
        references: &references,
        context: Context::at(clock.now(), clock),
    };
    let alerts = alerts.children_named("alert");
    alerts.flat_map(|alert| reader.alert(alert)).collect()
}

struct Reader<'r, 'a> {
    references: &'r References<'a>,
    context: Context<'a>,
}

impl<'a> Reader<'_, 'a> {
    fn alert(&self, element: Element<'a>) -> Vec<Alert> {
        let mut meta = Options::new();
        let (Some(id), Some(path)) = (element.id(), element.attr("path")) else {
            return Vec::new();
        };
        let mut alert = Alert {
            id: id.to_owned(),
            path: path.to_owned(),
            recipient: None,
            timeout: TIMEOUT,
            format: FORMAT.to_owned(),
            parameters: BTreeMap::new(),
            selection: Selection::of(element.child("select")),
        };
        if !self.options(element, &mut alert, &mut meta) {
            return Vec::new();
        }
        let mut recipients = element.children_named("recipient").peekable();
        if recipients.peek().is_none() {
            return vec![alert];
        }
        let with = recipients.filter_map(|recipient| {
            let mut one = Alert {
                recipient: Some(recipient.attr("value")?.to_owned()),
                ..alert.clone()
            };
            let mut meta = meta.clone();
            self.options(recipient, &mut one, &mut meta).then_some(one)
        });
        with.collect()
    }

    /// What an alert or a recipient says comes over what is above it; false if it is switched off.
    fn options(&self, element: Element<'a>, alert: &mut Alert, meta: &mut Options) -> bool {
        self.sets(element, "meta_attributes", meta);
        self.sets(element, "instance_attributes", &mut alert.parameters);
        let timeout = meta.get("timeout").and_then(|text| milliseconds(text).ok());
        let timeout = timeout.and_then(|ms| u64::try_from(ms).ok());
        if let Some(ms) = timeout.filter(|ms| *ms > 0) {
            alert.timeout = Duration::from_millis(ms);
        }
        if let Some(format) = meta.get("timestamp-format") {
            alert.format.clone_from(format);
        }
        let enabled = meta.get("enabled").and_then(|value| boolean::parse(value));
        enabled != Some(false)
    }

    fn sets(&self, element: Element<'a>, kind: &str, table: &mut Options) {
        let sets = Sets::of(element, kind, None, self.references);
        let mut own = Options::new();
        sets.read(
            &self.context,
            self.references,
            (&mut own, Overwrite::No),
            &mut NextChange::default(),
        );
        table.extend(own);
    }
}

impl Alert {
    /// Whether it is to be told of an event.
    pub fn wants(&self, event: &Event) -> bool {
        self.selection.has(event)
    }

    /// What its program finds in its environment. `sequence` counts the alerts of the node,
    /// `stamp` is the moment in the alert's format.
    pub fn environment(
        &self,
        event: &Event,
        (sequence, at, stamp): (u64, Moment, &str),
    ) -> Vec<(String, String)> {
        let recipient = self.recipient.clone().map(|value| ("recipient", value));
        let stamp = (!self.format.is_empty()).then(|| ("timestamp", stamp.to_owned()));
        let own = [("node_sequence", sequence.to_string())];
        let known = event.variables(at).into_iter().chain(own);
        let known = known.chain(recipient).chain(stamp);
        // The second name is that of the feature's first edition, which scripts may still read.
        let both = known.flat_map(|(name, value)| {
            ["CRM_alert_", "CRM_notify_"].map(|prefix| (format!("{prefix}{name}"), value.clone()))
        });
        let given = self.parameters.clone().into_iter();
        given.chain(both).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cib::read as parse;

    fn alerts(text: &str) -> Vec<Alert> {
        let text = format!("<cib><configuration><alerts>{text}</alerts></configuration></cib>");
        read(&parse(&text).unwrap(), 1_795_740_000, 0)
    }

    fn node() -> Event {
        Event::Node {
            name: "b".to_owned(),
            id: 2,
            member: false,
        }
    }

    const TWO: &str = "<alert id='a' path='/x'>\
        <meta_attributes id='m'><nvpair id='m1' name='timeout' value='15s'/></meta_attributes>\
        <instance_attributes id='i'><nvpair id='i1' name='k' value='all'/></instance_attributes>\
        <recipient id='r1' value='one'/><recipient id='r2' value='two'>\
        <meta_attributes id='n'><nvpair id='n1' name='timeout' value='5s'/>\
        <nvpair id='n2' name='timestamp-format' value=''/></meta_attributes>\
        <instance_attributes id='j'><nvpair id='j1' name='k' value='mine'/></instance_attributes>\
        </recipient></alert>";

    #[test]
    fn each_recipient_has_its_options_over_those_of_the_alert() {
        let all = alerts(TWO);
        let told: Vec<_> = all
            .iter()
            .map(|a| {
                (
                    a.recipient.as_deref(),
                    a.timeout.as_secs(),
                    &*a.parameters["k"],
                )
            })
            .collect();
        assert_eq!(told, [(Some("one"), 15, "all"), (Some("two"), 5, "mine")]);
        let at = Moment {
            unix_s: 7,
            micros: 8,
        };
        let env = all[1].environment(&node(), (3, at, "unused"));
        let of = |name: &str| env.iter().find(|(n, _)| n == name).map(|(_, v)| &**v);
        assert_eq!(of("CRM_alert_recipient"), Some("two"));
        assert_eq!(of("CRM_notify_node_sequence"), Some("3"));
        assert_eq!(of("CRM_alert_timestamp_epoch"), Some("7"));
        assert_eq!(of("CRM_alert_timestamp_usec"), Some("8"));
        assert_eq!(of("CRM_alert_desc"), Some("lost"));
        assert_eq!(of("k"), Some("mine"));
        assert_eq!(of("CRM_alert_timestamp"), None, "its format is empty");
        let env = all[0].environment(&node(), (3, at, "now"));
        assert!(env.contains(&("CRM_alert_timestamp".to_owned(), "now".to_owned())));
    }

    #[test]
    fn what_is_selected_is_told_and_without_selection_all_but_attributes() {
        let attribute = |name: &str| Event::Attribute {
            node: "a".to_owned(),
            id: 1,
            name: name.to_owned(),
            value: None,
        };
        let plain = &alerts("<alert id='a' path='/x'/>")[0];
        assert!(plain.wants(&node()) && !plain.wants(&attribute("x")));
        assert_eq!(
            (plain.recipient.as_ref(), plain.timeout.as_secs()),
            (None, 30)
        );
        let some = &alerts(
            "<alert id='a' path='/x'><select><select_attributes><attribute id='n' name='x'/>\
             </select_attributes></select></alert>",
        )[0];
        assert!(
            !some.wants(&node()) && some.wants(&attribute("x")) && !some.wants(&attribute("y"))
        );
        let any = &alerts(
            "<alert id='a' path='/x'><select><select_attributes/><select_nodes/></select></alert>",
        )[0];
        assert!(any.wants(&node()) && any.wants(&attribute("y")));
    }

    #[test]
    fn what_is_switched_off_is_not_told() {
        let off = "<meta_attributes id='M'><nvpair id='M1' name='enabled' value='False'/>\
                   </meta_attributes>";
        assert_eq!(
            alerts(&format!("<alert id='a' path='/x'>{off}</alert>")),
            []
        );
        let one = format!(
            "<alert id='a' path='/x'><recipient id='r' value='v'>{off}</recipient>\
             <recipient id='s' value='w'/></alert>"
        );
        assert_eq!(alerts(&one).len(), 1);
    }
}
