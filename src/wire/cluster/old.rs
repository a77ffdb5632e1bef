//! Messages of the services of 1.x: other headers, other numbers, two engines for barriers.
//!
//! Read only, for who looks at traffic.
//!
//! Source: spec totem-wire.md F.1 and F.2; held to captures of 1.4.10.

use super::header::Header;
use super::{ClusterError, Cpg, SERVICES, SYNC, Sync};
use crate::wire::cursor::{ByteOrder, Reader};
use crate::wire::totem::Dialect;

/// The group of the barriers of the newer engine.
pub const SYNC_V2: &[u8] = b"syncv2";

/// Services of 1.x by number. Source: spec totem-wire.md F.1
const SERVICE_NAMES: [&str; 16] = [
    "evs",
    "clm",
    "amf",
    "ckpt",
    "evt",
    "lck",
    "msg",
    "cfg",
    "cpg",
    "9",
    "10",
    "confdb",
    "quorum",
    "pload",
    "14",
    "votequorum",
];

const CPG: u16 = 8;

/// A message of 1.x.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Old {
    /// Of process groups.
    Cpg(Cpg),
    /// A barrier, or which services there are.
    Sync(Sync),
    /// Of another service: its name, the function. Bodies of openais' services aren't known.
    Service(&'static str, u16),
}

impl Old {
    /// Reads the body of a message to a group.
    ///
    /// Errors: `Unknown` for groups and functions that nobody has.
    pub fn decode(group: &[u8], body: &[u8], order: ByteOrder) -> Result<Self, ClusterError> {
        let mut reader = Reader::new(body, order);
        let header = decode_header(&mut reader)?;
        let (service, function) = header.service();
        let unknown = ClusterError::Unknown {
            service: service.0,
            function,
        };
        match group {
            SERVICES if service.0 == CPG => {
                Cpg::decode(function, &header, &mut reader).map(Self::Cpg)
            }
            SERVICES => {
                let name = SERVICE_NAMES.get(usize::from(service.0)).ok_or(unknown)?;
                Ok(Self::Service(name, function))
            }
            SYNC | SYNC_V2 => {
                // The barrier is 0 in the older engine and 2 in the newer one.
                let id = match (group, header.id) {
                    (SYNC, 0) | (SYNC_V2, 2) => 0,
                    (SYNC_V2, 1) => 1,
                    _ => return Err(unknown),
                };
                let header = Header { id, ..header };
                Sync::decode(&header, &mut reader, Dialect::V1).map(Self::Sync)
            }
            _ => Err(unknown),
        }
    }
}

/// Layout: 0 i32 size, 4 pad, 8 i32 id, 12 pad.
fn decode_header(reader: &mut Reader<'_>) -> Result<Header, ClusterError> {
    let size = reader.u32()?;
    reader.skip(4)?;
    let id = reader.u32()?;
    reader.skip(4)?;
    Ok(Header { id, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: u32, rest: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(u32::try_from(16 + rest).unwrap().to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(id.to_le_bytes());
        bytes.extend(vec![0; 4 + rest]);
        bytes
    }

    #[test]
    fn groups_have_numbers_of_their_own() {
        let decode =
            |group: &[u8], id, rest| Old::decode(group, &message(id, rest), ByteOrder::Little);
        assert!(matches!(
            decode(SYNC, 0, 32),
            Ok(Old::Sync(Sync::Barrier(_)))
        ));
        assert!(matches!(
            decode(SYNC_V2, 2, 32),
            Ok(Old::Sync(Sync::Barrier(_)))
        ));
        let build = decode(SYNC_V2, 1, 552);
        assert!(matches!(build, Ok(Old::Sync(Sync::ServiceBuild { .. }))));
        assert!(decode(SYNC, 2, 32).is_err() && decode(b"x", 0, 32).is_err());
        assert_eq!(decode(SERVICES, 0x1_0000, 376), Ok(Old::Service("clm", 0)));
        assert!(matches!(
            decode(SERVICES, 0x8_0000, 152),
            Ok(Old::Cpg(Cpg::Process { joins: true, .. }))
        ));
        assert!(decode(SERVICES, 0x20_0000, 0).is_err());
        assert!(Old::decode(SYNC, &[0; 9], ByteOrder::Little).is_err());
    }
}
