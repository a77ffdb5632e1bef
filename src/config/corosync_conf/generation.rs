//! From which generation of corosync a file comes.

use super::schema;
use super::tree::{Key, Section};
use crate::config::source::Span;

/// A generation of corosync: nodes of different ones don't understand each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// 1.0 to 1.4, and openais before it.
    One,
    /// 2.0 to 2.4.
    Two,
    /// 3.0 and later.
    Three,
}

impl Generation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// `1.x`, `2.x`, `3.x`
    pub fn as_str(self) -> &'static str {
        match self {
            Self::One => "1.x",
            Self::Two => "2.x",
            Self::Three => "3.x",
        }
    }
}

impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A generation, and what in the file told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The generation.
    pub generation: Generation,
    /// What told it, in words.
    pub because: String,
    /// Where that stands.
    pub span: Span,
    /// True when another generation would read the file, too, and differently.
    pub ambiguous: bool,
}

impl Told {
    fn by(generation: Generation, because: impl Into<String>, span: Span) -> Self {
        Self {
            generation,
            because: because.into(),
            span,
            ambiguous: false,
        }
    }
}

/// Tells the generation. What only one generation has decides; then what 3.x refuses; then what
/// files of that time look like.
pub fn tell(tree: &Section) -> Told {
    stated(tree)
        .or_else(|| by_own_key(tree, Generation::Three))
        .or_else(|| not_three(tree))
        .unwrap_or_else(|| {
            let span = first_span(tree, "totem").unwrap_or_default();
            let transport = tree.key_of("totem", "transport");
            let mut told = Told::by(Generation::Three, "it has a nodelist", span);
            told.ambiguous = transport.is_some_and(|k| k.value != "knet");
            told
        })
}

/// `everbeat { generation: 2 }`
fn stated(tree: &Section) -> Option<Told> {
    let key = tree.key_of("everbeat", "generation")?;
    let generation = match key.value.as_str() {
        "1" => Generation::One,
        "2" => Generation::Two,
        "3" => Generation::Three,
        _ => return None,
    };
    Some(Told::by(generation, "it says so", key.span()))
}

/// The first key or value that only this generation has.
fn by_own_key(tree: &Section, generation: Generation) -> Option<Told> {
    let mut first: Option<&Key> = None;
    visit(tree, "", &mut |path, key| {
        if first.is_none() && is_of_only(path, key, generation) {
            first = Some(key);
        }
    });
    let key = first?;
    let because = format!("{} is of {generation} only", shown(key));
    Some(Told::by(generation, because, key.span()))
}

fn is_of_only(path: &str, key: &Key, generation: Generation) -> bool {
    let by_value = match (key.name.as_str(), key.value.as_str()) {
        ("transport", "knet") | ("timestamp", "hires") | ("ip_version", "ipv6-4" | "ipv4-6") => {
            Some(Generation::Three)
        }
        ("crypto_cipher", "3des") => Some(Generation::Two),
        _ => None,
    };
    let ring = schema::ring_of(&key.name).is_some_and(|n| n >= 2);
    let by_ring = ring.then_some(Generation::Three);
    let by_name = schema::find(path, &key.name).and_then(|d| d.only_of());
    by_value.or(by_ring).or(by_name) == Some(generation)
}

fn shown(key: &Key) -> String {
    match key.name.as_str() {
        "transport" | "timestamp" | "ip_version" => format!("{}: {}", key.name, key.value),
        name => name.to_owned(),
    }
}

/// What 3.x refuses, or has another meaning for than is likely.
fn not_three(tree: &Section) -> Option<Told> {
    let span = first_span(tree, "totem").unwrap_or_default();
    if !has_nodes(tree) {
        return Some(without_nodelist(tree, span));
    }
    if let Some(key) = tree
        .key_of("totem", "rrp_mode")
        .filter(|k| k.value != "none")
    {
        let because = format!("rrp_mode {} is of 2.x", key.value);
        return Some(Told::by(Generation::Two, because, key.span()));
    }
    let transport = tree.key_of("totem", "transport");
    let secured = secured(tree);
    match (transport, secured) {
        (Some(udp), Some(key)) if udp.value != "knet" => {
            let because = format!("{}: {} over {}", key.name, key.value, udp.value);
            Some(Told::by(Generation::Two, because, key.span()))
        }
        (None, _) => of_old_interface(tree),
        _ => None,
    }
}

/// Without `transport` 2.x means udp and 3.x knet; an interface as for udp tells which.
fn of_old_interface(tree: &Section) -> Option<Told> {
    let totem = tree.all("totem").flat_map(|t| t.all("interface"));
    let mut keys = totem.flat_map(|i| &i.keys);
    let key = keys.find(|k| matches!(k.name.as_str(), "bindnetaddr" | "mcastaddr"))?;
    let because = format!("{} and no transport", key.name);
    Some(Told::by(Generation::Two, because, key.span()))
}

fn without_nodelist(tree: &Section, span: Span) -> Told {
    let mut of_two: Option<&Key> = None;
    visit(tree, "", &mut |path, key| {
        let directive = schema::find(path, &key.name);
        let not_one = directive.is_some_and(|d| {
            !d.heeded_by(Generation::One) && Generation::ALL.iter().any(|g| d.heeded_by(*g))
        });
        if not_one && of_two.is_none() {
            of_two = Some(key);
        }
    });
    if let Some(key) = of_two {
        let because = format!("no nodelist, and {} is not of 1.x", key.name);
        return Told::by(Generation::Two, because, key.span());
    }
    let openais = ["service", "aisexec", "amf"]
        .into_iter()
        .find(|s| tree.has(s));
    let at = openais.and_then(|s| first_span(tree, s));
    let compatibility = tree.key("compatibility");
    match (compatibility, openais) {
        (Some(key), _) => Told::by(
            Generation::One,
            "no nodelist, and compatibility",
            key.span(),
        ),
        (None, Some(name)) => {
            let because = format!("no nodelist, and a section {name}");
            Told::by(Generation::One, because, at.unwrap_or(span))
        }
        (None, None) if tree.key_of("quorum", "provider").is_some() => {
            Told::by(Generation::Two, "no nodelist, and a quorum provider", span)
        }
        (None, None) => Told::by(Generation::One, "no nodelist", span),
    }
}

/// The key that turns encryption or signatures on.
pub(super) fn secured(tree: &Section) -> Option<&Key> {
    let key = |name| tree.key_of("totem", name);
    let on = |name: &'static str| key(name).filter(|k| !matches!(k.value.as_str(), "none" | ""));
    let secauth = key("secauth").filter(|k| k.value == "on");
    on("crypto_cipher").or(on("crypto_hash")).or(secauth)
}

fn has_nodes(tree: &Section) -> bool {
    tree.all("nodelist").any(|l| l.has("node"))
}

fn first_span(tree: &Section, name: &'static str) -> Option<Span> {
    tree.all(name).next().map(|s| s.span)
}

/// Calls `f` with the path of the section and each key, in order.
pub(super) fn visit<'t>(section: &'t Section, path: &str, f: &mut impl FnMut(&str, &'t Key)) {
    for key in &section.keys {
        f(path, key);
    }
    for inner in &section.sections {
        visit(inner, &join(path, &inner.name), f);
    }
}

/// The path of a section in another.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::corosync_conf::tree;
    use crate::config::diagnostic::Findings;
    use crate::config::source::Source;

    fn of(text: &str) -> (Generation, bool) {
        let source = Source::new("f", text);
        let tree = tree::parse(&mut Findings::of(&source, "corosync"));
        let told = tell(&tree);
        (told.generation, told.ambiguous)
    }

    const NODES: &str = "nodelist {\nnode {\nring0_addr: 10.0.0.1\nnodeid: 1\n}\n}\n";

    #[test]
    fn generations_are_told() {
        let with_nodes = |totem: &str| of(&format!("totem {{\n{totem}\n}}\n{NODES}"));
        assert_eq!(with_nodes("transport: knet"), (Generation::Three, false));
        assert_eq!(with_nodes(""), (Generation::Three, false));
        assert_eq!(with_nodes("transport: udpu"), (Generation::Three, true));
        let secure = "transport: udpu\ncrypto_cipher: aes256\ncrypto_hash: sha1";
        assert_eq!(with_nodes(secure), (Generation::Two, false));
        let old = "interface {\nbindnetaddr: 10.0.0.0\n}";
        assert_eq!(with_nodes(old), (Generation::Two, false));
        assert_eq!(
            with_nodes("rrp_mode: passive\ntransport: udp"),
            (Generation::Two, false)
        );
        assert_eq!(of("compatibility: whitetank\n"), (Generation::One, false));
        assert_eq!(
            of("totem {\ncluster_name: a\n}\n"),
            (Generation::Two, false)
        );
        assert_eq!(of("totem {\nversion: 2\n}\n").0, Generation::One);
        let stated = format!("everbeat {{\ngeneration: 2\n}}\n{NODES}");
        assert_eq!(of(&stated), (Generation::Two, false));
    }
}
