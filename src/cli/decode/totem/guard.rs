//! Which generation a datagram is of, and what it is protected with.

use crate::wire::totem::crypto_frame::{Cipher, Hash, Protection};
use crate::wire::totem::{Datagram, Dialect, looks_like};

/// What datagrams of 2.x begin with.
const FRAME: [u8; 4] = [0xFE, 0xFE, 0, 0];

const CIPHERS: [(Cipher, &str); 5] = [
    (Cipher::None, "none"),
    (Cipher::Aes256, "aes256"),
    (Cipher::Aes192, "aes192"),
    (Cipher::Aes128, "aes128"),
    (Cipher::TripleDes, "3des"),
];

const HASHES: [(Hash, &str); 5] = [
    (Hash::Sha1, "sha1"),
    (Hash::Sha256, "sha256"),
    (Hash::Sha512, "sha512"),
    (Hash::Sha384, "sha384"),
    (Hash::Md5, "md5"),
];

/// True if it begins like a datagram of some generation that isn't encrypted by 1.x.
pub fn looks_like_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&FRAME) || looks_like(bytes, Dialect::V3) || looks_like(bytes, Dialect::V1)
}

/// A datagram without its protection.
pub struct Opened {
    pub dialect: Dialect,
    /// What it was protected with, in words.
    pub how: String,
    pub message: Vec<u8>,
}

struct Way {
    dialect: Dialect,
    name: String,
    protection: Protection,
}

/// The ways in which datagrams may be protected.
pub struct Guard {
    /// The way that led into the last datagram comes first.
    ways: Vec<Way>,
    only: Option<Dialect>,
    has_key: bool,
}

impl Guard {
    /// All ways that a key permits, in one generation if it is given.
    pub fn new(key: Option<&[u8]>, only: Option<Dialect>) -> Self {
        let mut guard = Self {
            ways: Vec::new(),
            only,
            has_key: key.is_some(),
        };
        if let Some(key) = key {
            guard.add_ways(key);
        }
        guard
    }

    /// A key that is too short for a way leaves it out.
    fn add_ways(&mut self, key: &[u8]) {
        for takes_nss in [true, false] {
            if let Ok(protection) = Protection::secauth(key, false, takes_nss) {
                self.ways.push(Way {
                    dialect: Dialect::V1,
                    name: "secauth".into(),
                    protection,
                });
            }
        }
        for (hash, hash_name) in HASHES {
            for (cipher, cipher_name) in CIPHERS {
                if let Ok(protection) = Protection::wrapped(key, cipher, hash) {
                    self.ways.push(Way {
                        dialect: Dialect::V2,
                        name: format!("{cipher_name}/{hash_name}"),
                        protection,
                    });
                }
            }
        }
    }

    /// Takes the protection off. Errors: why it can't be done, for the user.
    pub fn open(&mut self, bytes: &[u8]) -> Result<Opened, String> {
        let framed = bytes.starts_with(&FRAME);
        let dialect = if framed { Dialect::V2 } else { Dialect::V1 };
        let allowed = self.only.is_none_or(|only| only == dialect);
        let leads_in = |way: &Way| {
            let message = (allowed && way.dialect == dialect).then(|| way.open(bytes));
            message.flatten()
        };
        let found = self.ways.iter().enumerate();
        let found = found.filter_map(|(at, way)| Some((at, leads_in(way)?)));
        if let Some((at, message)) = found.take(1).next() {
            self.ways[..=at].rotate_right(1);
            return Ok(Opened {
                dialect,
                how: self.ways[0].name.clone(),
                message,
            });
        }
        // Last, because what 2.x signs without a cipher looks like what is in clear.
        self.in_clear(bytes).ok_or_else(|| self.refusal(framed))
    }

    fn refusal(&self, framed: bool) -> String {
        let what = match (framed, self.has_key) {
            (true, false) => "encrypted or signed, by 2.x: give its authkey with --key-file",
            (true, true) => "not signed with this key",
            (false, false) => "no totem message, or encrypted by 1.x: then give --key-file",
            (false, true) => "no totem message, or not signed with this key",
        };
        match self.only {
            Some(only) => format!("{what} (taken for {only})"),
            None => what.into(),
        }
    }

    /// The datagram where nothing protects it.
    fn in_clear(&self, bytes: &[u8]) -> Option<Opened> {
        // 2.x puts its frame around all it sends; the bare mark is that of 1.x.
        let forms = [
            (Dialect::V2, bytes.strip_prefix(&FRAME)),
            (Dialect::V3, Some(bytes)),
            (Dialect::V1, Some(bytes)),
        ];
        let is_it = |(dialect, message): &(Dialect, Option<&[u8]>)| {
            let allowed = self.only.is_none_or(|only| only == *dialect);
            allowed && message.is_some_and(|message| looks_like(message, *dialect))
        };
        let (dialect, message) = forms.into_iter().find(is_it)?;
        Some(Opened {
            dialect,
            how: "in clear".into(),
            message: message?.to_vec(),
        })
    }
}

impl Way {
    /// The message, where this way leads to one.
    fn open(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut scratch = Vec::new();
        let message = self.protection.open(bytes, &mut scratch).ok()?;
        // A signature may be right where the cipher isn't.
        is_whole(message, self.dialect).then(|| message.to_vec())
    }
}

/// True if it can be read, without anything behind it.
fn is_whole(message: &[u8], dialect: Dialect) -> bool {
    Datagram::decode(message, dialect).is_ok_and(|datagram| datagram.surplus == 0)
}
