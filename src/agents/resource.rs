//! A resource as written in haresources.

use std::fmt;

use super::address::AddressKind;
use crate::config::haresources;
use crate::config::source::Span;

/// A script and its arguments.
///
/// Source: heartbeat 3.0.6, ResourceManager, `resource2script`, `resource2arg`: `::` parts the
/// words, the shell drops empty ones and parts them at blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Name of the script.
    pub script: String,
    /// Its arguments before the action.
    pub args: Vec<String>,
    written: String,
}

impl Resource {
    /// Takes a word of haresources; an IPv4 address alone stands for `IPaddr::ADDRESS`.
    ///
    /// Differs: heartbeat parts an IPv6 address at its `::` and fails; here the parts of the only
    /// argument of an address script are put together again.
    pub fn parse(word: &str) -> Self {
        let parsed = haresources::Resource::parse(word, Span::default());
        let whole = parsed.args.join("::");
        let args = if AddressKind::named(&parsed.script).is_some() && is_ipv6(&whole) {
            vec![whole]
        } else {
            let words = parsed.args.iter().flat_map(|arg| arg.split_whitespace());
            words.map(str::to_owned).collect()
        };
        Self {
            script: parsed.script,
            args,
            written: word.to_owned(),
        }
    }

    /// The word as written.
    pub fn as_written(&self) -> &str {
        &self.written
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}

/// True for `ADDRESS` or `ADDRESS/…` of IPv6.
fn is_ipv6(arg: &str) -> bool {
    let address = arg.split('/').next().unwrap_or_default();
    address.parse::<std::net::Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_part_at_double_colons() {
        let r = Resource::parse("Filesystem::server:/data1::/data1::nfs::ro");
        assert_eq!(r.script, "Filesystem");
        assert_eq!(r.args, ["server:/data1", "/data1", "nfs", "ro"]);
        assert_eq!(Resource::parse("httpd").args, [""; 0]);
        assert_eq!(Resource::parse("x::a::::b").args, ["a", "b"]);
        assert_eq!(r.to_string(), "Filesystem::server:/data1::/data1::nfs::ro");
    }

    #[test]
    fn an_address_alone_is_ipaddr() {
        let r = Resource::parse("10.0.0.5/24/eth0/10.0.0.255");
        assert_eq!(r.script, "IPaddr");
        assert_eq!(r.args, ["10.0.0.5/24/eth0/10.0.0.255"]);
        assert_eq!(Resource::parse("a10.0.0.5").script, "a10.0.0.5");
    }

    #[test]
    fn ipv6_addresses_stay_whole() {
        let r = Resource::parse("IPv6addr::2001:db8::5/64/eth0");
        assert_eq!(r.args, ["2001:db8::5/64/eth0"]);
        let r = Resource::parse("IPaddr2::fe80::1/64/eth0");
        assert_eq!(r.args, ["fe80::1/64/eth0"]);
        let r = Resource::parse("Other::2001:db8::5");
        assert_eq!(r.args, ["2001:db8", "5"]);
    }
}
