//! Booleans as they stand in a CIB.

/// Whether a text is a true boolean. Source: Pacemaker 2.1.5, `crm_is_true`.
pub fn is_true(text: Option<&str>) -> bool {
    text.and_then(parse) == Some(true)
}

/// A boolean; none for what is no boolean. Source: Pacemaker 2.1.5, `crm_str_to_boolean`.
pub fn parse(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => Some(true),
        "false" | "off" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}
