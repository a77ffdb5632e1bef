//! Keys that change what is shown on the screen.

use crate::scheduler::report::{Section, Show};

/// Letters, and what they switch on and off. Those of crm_mon 2.1.5.
const KEYS: [(char, &str); 11] = [
    ('c', "tickets"),
    ('f', "how often resources failed"),
    ('n', "resources under their nodes"),
    ('o', "what was done with resources"),
    ('r', "what isn't active"),
    ('R', "ids of nodes, and each instance"),
    ('t', "times of what was done"),
    ('A', "attributes of nodes"),
    ('L', "constraints that keep resources away"),
    ('D', "the summary"),
    ('b', "resources counted by kind"),
];

/// What the summary is.
const HEADERS: [Section; 5] = [
    Section::Stack,
    Section::Dc,
    Section::Times,
    Section::Counts,
    Section::MaintMode,
];

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    /// Another part of the status is shown.
    Switched,
    /// The keys are to be shown.
    Help,
    /// The next lines of a status that is longer than the screen.
    Further,
    /// The end.
    Quit,
    /// Nothing.
    Nothing,
}

/// Does what a key is for.
pub(super) fn press(show: &mut Show, key: char) -> Pressed {
    match key {
        // Without the terminal's own signals Ctrl-C and Ctrl-D are characters.
        'q' | 'Q' | '\x03' | '\x04' => return Pressed::Quit,
        ' ' => return Pressed::Further,
        '?' | 'h' => return Pressed::Help,
        'n' => show.by_node = !show.by_node,
        'r' => show.inactive = !show.inactive,
        'R' => show.detail = !show.detail,
        'b' => show.brief = !show.brief,
        't' => {
            show.timing = !show.timing;
            if show.timing {
                show.sections.insert(Section::Operations);
            }
        }
        'c' => switch(show, &[Section::Tickets]),
        'f' => switch(show, &[Section::Failcounts]),
        'o' => switch(show, &[Section::Operations]),
        'A' => switch(show, &[Section::Attributes]),
        'L' => switch(show, &[Section::Bans]),
        'D' => switch(show, &HEADERS),
        _ => return Pressed::Nothing,
    }
    Pressed::Switched
}

/// Shows sections, or none of them if all were shown.
fn switch(show: &mut Show, sections: &[Section]) {
    let all = sections.iter().all(|section| show.has(*section));
    for section in sections {
        match all {
            true => show.sections.remove(section),
            false => show.sections.insert(*section),
        };
    }
}

/// What the keys are for, with a mark at what is shown.
pub(super) fn help(show: &Show) -> String {
    let mut text = "Keys; those with a star show what they are for now:\n\n".to_owned();
    for (key, what) in KEYS {
        // It is on if pressing it takes away.
        let mut after = show.clone();
        press(&mut after, key);
        let flags = |s: &Show| [s.by_node, s.inactive, s.detail, s.brief, s.timing];
        let on = after.sections.len() < show.sections.len()
            || flags(&after)
                .iter()
                .zip(flags(show))
                .any(|(after, now)| now && !after);
        text.push_str(&format!("{} {key}  {what}\n", if on { '*' } else { ' ' }));
    }
    text.push_str("\n  space  the next lines, if there are more than the screen has\n");
    text.push_str("      ?  this list\n      q  end\n\nAny other key goes back.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_pressed_twice_changes_nothing() {
        for (key, _) in KEYS {
            let mut show = Show::default();
            assert_eq!(press(&mut show, key), Pressed::Switched, "{key}");
            let on = format!("* {key} ");
            assert!(help(&show).contains(&on), "{key}");
            press(&mut show, key);
            assert!(!help(&show).contains(&on), "{key}");
        }
        assert_eq!(press(&mut Show::default(), 'x'), Pressed::Nothing);
        assert_eq!(press(&mut Show::default(), '\x03'), Pressed::Quit);
    }
}
